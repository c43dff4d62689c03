"""<|endoftext|> in a text to train on is that token on request, and ordinary text without."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.cli import main
from gptviz.runs import Run
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.training import data, prepare, texts

TALES = "Once there was a cat.\n\n<|endoftext|>\n\nA dog ran.\n<|endoftext|>The end.\n" * 40


def encoded(pieces: list[str]) -> list[int]:
    found = prepare.encode(pieces, GPT2Tokenizer(), end_of_text=True)
    return np.concatenate([ids for ids, _ in found]).tolist()


def plain(text: str, encoding: tiktoken.Encoding) -> list[int]:
    """The same by tiktoken's own pieces, without gptviz."""
    ids: list[int] = []
    for number, tale in enumerate(text.split("<|endoftext|>")):
        if number:
            ids.append(50256)
            tale = tale.lstrip("\n")
        last = number == text.count("<|endoftext|>")
        ids += encoding.encode_ordinary(tale if last else tale.rstrip("\n"))
    return ids


def test_the_end_of_a_text_is_token_50256_with_the_line_ends_around_it():
    ids = encoded(["A cat.\n\n<|endoftext|>\n\nA dog.\n"])
    assert ids == [32, 3797, 13, 50256, 32, 3290, 13, 198]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["<|endoftext|>", "\n", "\n\n", " ", "a", "cat", "."]), max_size=14),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_wherever_a_text_is_cut_into_pieces_its_ids_are_the_same(tiktoken_alone, parts, places):
    text = "x" + "".join(parts)
    cuts = sorted({0, len(text), *(place for place in places if place < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(cuts)]
    assert encoded(pieces) == plain(text, tiktoken_alone)


@given(st.text("<|endoftx>", max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_signs_are_counted_across_the_borders_of_pieces(text: str, places: list[int]):
    text = text.replace("<t", "<|endoftext|>")
    cuts = sorted({0, len(text), *(place for place in places if place < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(cuts)]
    assert texts.tally(pieces, "<|endoftext|>") == (len(text), text.count("<|endoftext|>"))


@pytest.mark.parametrize("end_of_text", [True, False])
def test_a_look_at_a_text_counts_its_ends_and_reads_its_first_tokens_as_a_run_does(
    tiktoken_alone, end_of_text
):
    info = data.check(TALES.encode(), "gpt2", end_of_text=end_of_text)
    ids = plain(TALES, tiktoken_alone) if end_of_text else tiktoken_alone.encode_ordinary(TALES)
    assert list(info.first) == ids[:100]
    assert info.ends == 80
    assert info.train_tokens == len(ids) - len(ids) // 10


def test_without_the_request_it_is_ordinary_text():
    ids = np.concatenate([ids for ids, _ in prepare.encode(["a <|endoftext|>"], GPT2Tokenizer())])
    assert 50256 not in ids.tolist()
    assert GPT2Tokenizer().decode(ids.tolist()) == "a <|endoftext|>"


def test_a_bpe_learns_nothing_from_the_sign(tmp_path: Path):
    path = tmp_path / "tales.txt"
    path.write_text(TALES, encoding="utf-8")
    tokenizer = prepare.tokenizer_for("bpe", path, 275, end_of_text=True)
    pieces = {tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size - 1)}
    assert not any(b"<|" in piece or b"endo" in piece for piece in pieces)
    ids = data.read(path, tokenizer, end_of_text=True).ids.tolist()
    assert ids.count(tokenizer.end_of_text) == TALES.count("<|endoftext|>")


def test_characters_have_no_end_of_a_text(tmp_path: Path, capsys):
    path = tmp_path / "tales.txt"
    path.write_text(TALES, encoding="utf-8")
    run = tmp_path / "run"
    code = main(["train", "--run", str(run), "--data", str(path), "--end-of-text"])
    assert code == 1
    assert (
        "a tokenizer of characters has no token <|endoftext|>; take a BPE"
        in capsys.readouterr().err
    )
    assert not run.exists()
    with pytest.raises(ValueError, match="has no token"):
        list(prepare.encode(["a"], CharacterTokenizer("a"), end_of_text=True))


def test_train_and_prepare_read_it_alike_and_the_run_says_so(tmp_path: Path, tiktoken_alone):
    path, folder = tmp_path / "tales.txt", tmp_path / "prepared"
    path.write_text(TALES, encoding="utf-8")
    assert main(["prepare", str(path), str(folder), "--end-of-text"]) == 0
    small = ["--n-layer=1", "--n-head=1", "--n-embd=8", "--block-size=8", "--steps=1"]
    for name, source in (("text", path), ("prepared", folder)):
        options = [] if name == "prepared" else ["--tokenizer", "gpt2", "--end-of-text"]
        run = tmp_path / f"run-{name}"
        assert main(["train", "--run", str(run), "--data", str(source), *options, *small]) == 0
        assert Run(run).config.end_of_text
    expected = plain("".join(texts.characters(path)), tiktoken_alone)
    assert data.open_prepared(folder).ids.tolist() == expected
    config = Run(tmp_path / "run-text").config
    assert data.load(config, tmp_path / "run-text").ids.tolist() == expected
