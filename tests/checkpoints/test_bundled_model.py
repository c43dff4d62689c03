"""The models that ship with gptviz are what their cards say."""

import re
from collections import Counter
from pathlib import Path

import pytest
import tiktoken
import torch
from safetensors.torch import load_file
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from transformers import AutoModelForCausalLM, AutoTokenizer

import gptviz
from gptviz import checkpoints
from gptviz.language_model import LanguageModel
from gptviz.training import data
from gptviz.training.batches import windows_in_order
from gptviz.training.loss import cross_entropy

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
FOLDER = CHECKPOINTS / "shakespeare"
TEXT = Path(gptviz.__file__).parent / "data" / "shakespeare.txt"
# The books of the tales by their numbers in Project Gutenberg.
BOOKS = re.findall(
    r"\d+",
    """
    11 12 21 28 55 128 236 289 419 420 485 486 500 503 517 520 540 640 641 701 708 709 873 902
    1332 2435 2591 2781 3282 3454 4018 4357 5302 5615 6168 6746 7128 7277 7439 7518 7885 8574 8933
    9383 11582 12851 14220 14241 14407 14797 14814 14837 14838 14868 14872 14877 15077 15137 15234
    15284 15575 16259 17089 17208 18811 19068 19805 19994 20781 21935 23661 25519 25555 26019
    26386 27200 27826 32217 34453 35377 36532 44622 45264 49913 53844 55737 62514 63383
    """,
)

each_bundled_model = pytest.mark.parametrize("name", ["shakespeare", "tales"])


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return gptviz.load(FOLDER)


def neighbours(lm: LanguageModel, word: str, n: int) -> list[str]:
    (token,) = lm.tokenizer.encode(word)
    vectors = torch.nn.functional.normalize(lm.model.wte.weight, dim=-1)
    nearest = (vectors @ vectors[token]).topk(n + 1).indices[1:]
    return [lm.tokenizer.decode([i]) for i in nearest.tolist()]


@each_bundled_model
def test_it_is_small_enough_to_ship(name: str):
    assert sum(file.stat().st_size for file in (CHECKPOINTS / name).iterdir()) <= 60e6


@each_bundled_model
def test_its_weights_are_of_16_bits(name: str):
    weights = load_file(CHECKPOINTS / name / "model.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float16}


@each_bundled_model
def test_it_has_a_card(name: str):
    assert (CHECKPOINTS / name / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


@each_bundled_model
def test_transformers_reads_the_same_model(name: str):
    ours = gptviz.load(CHECKPOINTS / name)
    text = "Once upon a time the king and the queen had a daughter.\n\n"
    ids = AutoTokenizer.from_pretrained(CHECKPOINTS / name).encode(text)
    assert ids == ours.tokenizer.encode(text)
    theirs, info = AutoModelForCausalLM.from_pretrained(
        CHECKPOINTS / name, dtype=torch.float32, output_loading_info=True
    )
    assert not any(info.values()), info
    with torch.inference_mode():
        expected = theirs.eval()(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(ours.trace(ids, ["logits"]).logits, expected, rtol=1e-4, atol=1e-4)


def test_the_card_of_the_tales_names_every_book():
    card = (CHECKPOINTS / "tales" / "README.md").read_text(encoding="utf-8")
    # A row: a title, an author, and the number, which may be a link.
    rows = re.findall(
        r"(?m)^\|([^|\n]*[A-Za-z][^|\n]*)\|([^|\n]*[A-Za-z][^|\n]*)\| *\[?(\d+)\b", card
    )
    assert sorted(number for _, _, number in rows) == sorted(BOOKS)
    assert len({(title.strip(), author.strip()) for title, author, _ in rows}) == len(BOOKS)


def test_the_loss_on_plays_it_never_read_is_what_the_card_says():
    model, tokenizer = checkpoints.read(FOLDER)
    ids = data.encode(TEXT.read_text(encoding="utf-8"), tokenizer)
    _, held_out = data.split(ids, model.config.block_size)
    assert len(held_out) == 140_099
    total, count = 0.0, 0
    with torch.inference_mode():
        for inputs, targets in windows_in_order(held_out, 8, 256, n_windows=64):
            hidden = model.hidden(inputs).flatten(0, 1)
            loss = cross_entropy(hidden, model.unembedding, targets.flatten())
            total, count = total + float(loss) * targets.numel(), count + targets.numel()
    # On all 547 windows it is 4.513.
    assert total / count == pytest.approx(4.523, abs=0.01)


def test_its_token_counts_are_those_of_the_nine_tenths_that_it_read(
    lm: LanguageModel, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # or it would copy the files
    ranks = data_gym_to_mergeable_bpe_ranks(str(FOLDER / "merges.txt"), str(FOLDER / "vocab.json"))
    published = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    encoding = tiktoken.Encoding(
        "gpt2", pat_str=published, mergeable_ranks=ranks, special_tokens={}
    )
    ids = encoding.encode(TEXT.read_text(encoding="utf-8"))
    assert len(ids) == 1_400_991
    read = Counter(ids[: len(ids) - len(ids) // 10])
    assert lm.token_counts.tolist() == [read[token] for token in range(50_257)]


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


def test_it_was_trained_to_its_end_and_is_better_than_4_8_nats():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    loss = float(re.search(r"\*\*(\d\.\d+) nats a token\*\*", card)[1])
    assert loss <= 4.80
    assert "stopped" not in card
