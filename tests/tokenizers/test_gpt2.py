import shutil
from pathlib import Path

import pytest

from gptviz import tokenizers
from gptviz.tokenizers import GPT2Tokenizer, gpt2

TOKENIZER = GPT2Tokenizer()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hello, I am", [15496, 11, 314, 716]),
        ("Every effort moves you", [6109, 3626, 6100, 345]),
        ("Every day holds a", [6109, 1110, 6622, 257]),
        ("ROMEO:", [33676, 4720, 25]),
        ("cat", [9246]),
        (" cat", [3797]),
        ("", []),
    ],
)
def test_well_known_texts_have_their_well_known_ids(text, ids):
    assert TOKENIZER.encode(text) == ids
    assert TOKENIZER.decode(ids) == text


def test_the_vocabulary_has_50257_tokens_and_the_last_ends_a_text():
    assert TOKENIZER.vocab_size == 50257
    assert TOKENIZER.end_of_text == 50256
    assert TOKENIZER.token_bytes(50256) == b"<|endoftext|>"


def test_every_token_is_shown_differently_and_with_ink():
    pieces = TOKENIZER.pieces(range(TOKENIZER.vocab_size))
    assert len(set(pieces)) == TOKENIZER.vocab_size
    assert all(piece and piece.isprintable() for piece in pieces)
    assert not any("\ufffd" in piece or " " in piece.partition("⟨")[0] for piece in pieces)


def test_korean_is_shown_as_the_bytes_that_its_tokens_hold():
    ids = TOKENIZER.encode("안녕하세요")
    assert len(ids) == 14
    assert TOKENIZER.pieces(ids)[:7] == ["⟨EC⟩", "⟨95⟩", "⟨88⟩", "⟨EB⟩", "⟨85⟩", "⟨95⟩", "⟨ED 95⟩"]


def test_the_name_of_the_end_token_is_ordinary_text_when_typed():
    ids = TOKENIZER.encode("<|endoftext|>")
    assert TOKENIZER.end_of_text not in ids
    assert TOKENIZER.decode(ids) == "<|endoftext|>"
    assert TOKENIZER.pieces([50256]) == ["<|endoftext|>"]


def test_half_a_character_decodes_to_a_replacement_sign():
    first, *_ = TOKENIZER.encode("안")
    assert TOKENIZER.decode([first]) == "\ufffd"


@pytest.mark.parametrize("token", [50257, -1])
def test_an_id_outside_the_vocabulary_is_refused_in_words_but_shown(token):
    with pytest.raises(ValueError, match=f"there is no token {token}; the ids run from 0 to 50256"):
        TOKENIZER.decode([15496, token])
    with pytest.raises(ValueError, match="there is no token"):
        TOKENIZER.token_bytes(token)
    assert TOKENIZER.pieces([token]) == [f"⟨{token}⟩"]


def test_a_lone_surrogate_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"position 2 of the text holds U\+D800, a lone surrogate"):
        TOKENIZER.encode("ab\ud800")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        " " * 1_000_000,
        " " * 1_000_000 + "x",  # overflows the stack of tiktoken's regular expressions by itself
        "\n" * 999_999 + " x",
        "word " * 10_000,
    ],
    ids=["letters", "spaces", "spaces and a letter", "newlines and a letter", "words"],
)
def test_huge_texts_come_back_whole(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@pytest.mark.parametrize("after", ["", "x", "  ", "\u3000x", "\n\nx", "x" + " " * 12_000 + "y"])
@pytest.mark.parametrize("gap", [" ", "\n", "\u3000"])
def test_a_long_gap_is_cut_as_the_pattern_alone_cuts_it(gap, after, tiktoken_alone):
    text = "x" + gap * 12_000 + after
    assert TOKENIZER.encode(text) == tiktoken_alone.encode_ordinary(text)


def test_the_vocabulary_is_built_once_for_all(tmp_path, monkeypatch):
    monkeypatch.setattr(gpt2, "DATA", tmp_path / "not read again")
    assert GPT2Tokenizer().encode("cat") == TOKENIZER.encode("cat")


def test_building_writes_no_cache(python, tmp_path):
    code = "from gptviz.tokenizers import GPT2Tokenizer; print(GPT2Tokenizer().encode(' cat'))"
    (tmp_path / "cache").mkdir()
    assert python(code, TIKTOKEN_CACHE_DIR=str(tmp_path / "cache")) == "[3797]\n"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_changed_vocabulary_file_is_refused(python, tmp_path):
    files = Path(shutil.copytree(gpt2.DATA, tmp_path / "files"))
    (files / "encoder.json").write_bytes((gpt2.DATA / "encoder.json").read_bytes() + b"\n")
    code = (
        "from pathlib import Path; from gptviz.tokenizers import gpt2; gpt2.DATA = Path('files')\n"
        "try: gpt2.GPT2Tokenizer()\n"
        "except ValueError as error: print(error)"
    )
    assert "encoder.json differs from the file that OpenAI" in python(code)


def test_it_saves_the_published_files_under_hugging_faces_names(tmp_path):
    TOKENIZER.save(tmp_path / "model")
    saved = tmp_path / "model"
    assert (saved / "vocab.json").read_bytes() == (gpt2.DATA / "encoder.json").read_bytes()
    assert (saved / "merges.txt").read_bytes() == (gpt2.DATA / "vocab.bpe").read_bytes()
    assert isinstance(tokenizers.load(saved), GPT2Tokenizer)
