"""The model that ships with gptviz is as good as its card says."""

from pathlib import Path

import pytest
import torch

import gptviz
from gptviz import checkpoints
from gptviz.language_model import LanguageModel
from gptviz.training import data
from gptviz.training.loss import cross_entropy

FOLDER = Path(__file__).parents[2] / "checkpoints" / "shakespeare"
TEXT = Path(gptviz.__file__).parent / "data" / "shakespeare.txt"


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return gptviz.load(FOLDER)


def neighbours(lm: LanguageModel, word: str, n: int) -> list[str]:
    (token,) = lm.tokenizer.encode(word)
    vectors = torch.nn.functional.normalize(lm.model.wte.weight, dim=-1)
    nearest = (vectors @ vectors[token]).topk(n + 1).indices[1:]
    return [lm.tokenizer.decode([i]) for i in nearest.tolist()]


def test_it_is_small_enough_to_ship():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 60e6
    assert (FOLDER / "README.md").is_file()


def test_its_loss_on_plays_it_never_read_is_what_the_card_says():
    model, tokenizer = checkpoints.read(FOLDER)
    ids = data.encode(TEXT.read_text(encoding="utf-8"), tokenizer)
    _, held_out = data.split(ids, model.config.block_size)
    assert len(held_out) == 140_099
    total, count = 0.0, 0
    with torch.inference_mode():
        for inputs, targets in data.windows_in_order(held_out, 8, 256, n_windows=64):
            hidden = model.hidden(inputs).flatten(0, 1)
            loss = cross_entropy(hidden, model.unembedding, targets.flatten())
            total, count = total + float(loss) * targets.numel(), count + targets.numel()
    # On all 547 windows it is 4.917.
    assert total / count == pytest.approx(4.935, abs=0.01)


@pytest.mark.parametrize(
    ("word", "kin"),
    [
        (" king", {" queen", " prince"}),
        (" love", {" fear", " life"}),
        (" mother", {" father", " daughter"}),
        (" he", {" she"}),
    ],
)
def test_words_of_like_meaning_lie_near_each_other(lm: LanguageModel, word: str, kin: set[str]):
    assert kin <= set(neighbours(lm, word, 10))


@pytest.mark.parametrize("seed", range(3))
def test_romeo_goes_on_in_lines_and_speeches(lm: LanguageModel, seed: int):
    steps = lm.generate("ROMEO:", 120, temperature=0.8, top_k=40, seed=seed)
    text = lm.tokenizer.decode([step.id for step in steps])
    lines = [line for line in text.splitlines() if line]
    assert len(lines) >= 6
    assert sum(len(line) < 70 for line in lines) / len(lines) > 0.9
    assert any(line.isupper() and line.endswith(":") for line in lines)
