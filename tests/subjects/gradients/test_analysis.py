"""The numbers of a parameter are those that a run kept, and nothing else is read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.subjects.gradients import analysis as parameters
from gptviz.subjects.gradients.analysis import parameter_names, values
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.record import snapshots

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


def test_a_checkpoint_s_numbers_are_the_model_s(run):
    weight = model(5).h[0].attn.c_attn.weight.detach().numpy()
    assert np.array_equal(values(run.folder, 5, "h.0.attn.c_attn.weight"), weight.T)


def test_a_snapshot_s_numbers_are_in_half_precision(run):
    weight = model(0).wte.weight.detach().half().numpy()
    assert np.array_equal(values(run.folder, 0, "wte.weight"), weight)


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
    values(run.folder, 5, "ln_f.bias")
    assert read == ["transformer.ln_f.bias"]


def test_what_is_not_there_is_told_in_words(run):
    with pytest.raises(ValueError, match=r"no parameter 'h\.9\.mlp'.*wte\.weight"):
        values(run.folder, 5, "h.9.mlp")
    with pytest.raises(FileNotFoundError, match="keeps nothing of step 3"):
        values(run.folder, 3, "wte.weight")


def test_broken_and_diverged_weights_are_told_in_words(run):
    diverged = model(0)
    with torch.no_grad():
        diverged.ln_f.weight[0] = torch.nan
    snapshots.save(run, 7, diverged, TOKENIZER)
    with pytest.raises(ValueError, match="the run has diverged"):
        values(run.folder, 7, "ln_f.weight")
    (run.snapshot(7) / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ValueError, match="cut off or no safetensors file"):
        values(run.folder, 7, "ln_f.weight")
