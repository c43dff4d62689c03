"""The histogram of a parameter counts its numbers, each once, and reads nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gptviz import checkpoints
from gptviz.analysis import parameters
from gptviz.analysis.parameters import histogram, parameter_names
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training import snapshots
from gptviz.training.config import TrainingConfig
from gptviz.training.runs import Run

TOKENIZER = CharacterTokenizer.from_text("abcdefgh")
CONFIG = GPTConfig(8, block_size=16, n_layer=1, n_head=2, n_embd=8)


def model(seed: int) -> GPT:
    return GPT(CONFIG, torch.Generator().manual_seed(seed))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a snapshot of step 0 and a checkpoint of step 5."""
    run = Run.create(tmp_path / "run", TrainingConfig(model=CONFIG, data="text.txt"))
    snapshots.save(run, 0, model(0), TOKENIZER)
    checkpoints.save(run.checkpoint(5), model(5), TOKENIZER)
    return run


def test_each_number_of_a_parameter_is_counted_once(run):
    found = histogram(run.folder, 5, "h.0.attn.c_attn.weight", bins=12)
    weight = model(5).h[0].attn.c_attn.weight.detach().numpy()
    assert found.counts.sum() == weight.size
    assert len(found.edges) == len(found.counts) + 1 == 13
    for count, low, high in zip(
        found.counts[:-1], found.edges[:-2], found.edges[1:-1], strict=True
    ):
        assert count == ((weight >= low) & (weight < high)).sum()
    assert (found.edges[0], found.edges[-1]) == (weight.min(), weight.max())
    assert found.mean == pytest.approx(weight.mean(), abs=1e-6)
    assert found.std == pytest.approx(weight.std(), rel=1e-5)


def test_a_snapshot_in_half_precision_is_counted_too(run):
    found = histogram(run.folder, 0, "wte.weight")
    weight = model(0).wte.weight.detach().half().numpy().astype(np.float64)
    assert found.counts.tolist() == np.histogram(weight, 60)[0].tolist()


def test_a_parameter_whose_numbers_are_all_the_same_has_a_histogram(run):
    found = histogram(run.folder, 5, "ln_f.weight", bins=5)
    assert found.counts.sum() == found.counts.max() == 8
    assert found.edges[0] < 1 < found.edges[-1]


def test_the_parameters_are_named_by_their_paths_in_the_model(run):
    assert set(parameter_names(run.folder, 5)) == {name for name, _ in model(0).named_parameters()}


def test_only_the_chosen_tensor_is_read(run, monkeypatch):
    opened, read = parameters.safe_open, []

    class Watched:
        def __init__(self, *arguments, **options):
            self.file = opened(*arguments, **options)

        def __enter__(self):
            self.file.__enter__()
            return self

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def keys(self):
            return self.file.keys()

        def get_tensor(self, name):
            read.append(name)
            return self.file.get_tensor(name)

    monkeypatch.setattr(parameters, "safe_open", Watched)
    histogram(run.folder, 5, "ln_f.bias")
    assert read == ["transformer.ln_f.bias"]


def test_what_is_not_there_is_told_in_words(run):
    with pytest.raises(ValueError, match=r"no parameter 'h\.9\.mlp'.*wte\.weight"):
        histogram(run.folder, 5, "h.9.mlp")
    with pytest.raises(FileNotFoundError, match="keeps nothing of step 3"):
        histogram(run.folder, 3, "wte.weight")
    for bins in (0, 1001):
        with pytest.raises(ValueError, match="bins came; choose from 1 to 1000"):
            histogram(run.folder, 5, "wte.weight", bins)


def test_broken_and_diverged_weights_are_told_in_words(run):
    diverged = model(0)
    with torch.no_grad():
        diverged.ln_f.weight[0] = torch.nan
    snapshots.save(run, 7, diverged, TOKENIZER)
    with pytest.raises(ValueError, match="the run has diverged"):
        histogram(run.folder, 7, "ln_f.weight")
    (run.snapshot(7) / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="cut off or no safetensors file"):
        histogram(run.folder, 7, "ln_f.weight")
