"""Texts that people bring: what is said of them, what is refused, and where they are kept."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from gptviz import tokenizers
from gptviz.model import GPTConfig
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.training import batches, data, prepare, texts
from gptviz.training.config import TrainingConfig

TEXT = "the cat sat on the mat. a dög ran by the old oak. " * 12
MODEL = GPTConfig(300, 8, 1, 2, 8)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def config(path: Path, **changes) -> TrainingConfig:
    return TrainingConfig(**{"model": MODEL, "data": str(path), "tokenizer": "char", **changes})


@pytest.mark.parametrize("kind", ["char", "gpt2", "bpe"])
def test_a_text_is_told_by_its_size_its_tokens_and_its_beginning(text_file, kind):
    info = data.check(TEXT.encode(), kind, bpe_vocab_size=270)
    tokenizer = prepare.tokenizer_for(kind, text_file, bpe_vocab_size=270)
    assert info.size == len(TEXT.encode()) == len(TEXT) + 12
    assert info.characters == len(TEXT)
    assert info.tokens == len(tokenizer.encode(TEXT))
    assert info.vocab_size == tokenizer.vocab_size
    assert info.preview == TEXT[: data.PREVIEW]
    assert info == data.check(text_file, kind, bpe_vocab_size=270), "the same from a file"


def test_the_tokens_of_a_long_text_are_estimated_from_its_beginning(monkeypatch):
    monkeypatch.setattr(texts, "CHUNK", 1000)
    text = TEXT * 10
    counted = len(GPT2Tokenizer().encode(text))
    info = data.check(text.encode(), "gpt2")
    assert info.tokens == pytest.approx(counted, rel=0.01)
    assert info.told("tokens") == f"about {round(info.tokens, -1):,} tokens"
    assert info.told("characters") == f"{len(text):,} characters"


def test_of_a_text_that_was_counted_nothing_is_said_to_be_about():
    assert data.check(b"one two " * 40, "gpt2").told("tokens") == "81 tokens"
    assert data.check(TEXT.encode() * 10, "char").told("tokens") == f"{len(TEXT) * 10:,} tokens"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no text; training needs something to read"),
        (b" \n\t\r\n", "holds no text; training needs something to read"),
        (b"\xef\xbb\xbf", "holds no text; training needs something to read"),
        (b"fine\x00not", r"holds a zero \(byte 4\), as only binary files do; choose a text file"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "byte 0 cannot be read; it looks like a picture"),
        ("naïve".encode("latin-1"), "not UTF-8 text: byte 2 cannot be read; save it as UTF-8"),
        ("plain".encode("utf-16"), "byte 0 cannot be read; it looks like UTF-16"),
        (b"cut in a char\xc3", "not UTF-8 text: byte 13 cannot be read"),
    ],
)
def test_what_is_no_text_is_refused_with_the_byte_and_the_way_out(tmp_path, content, words):
    with pytest.raises(ValueError, match=f"^the text .*{words}"):
        data.check(content)
    path = tmp_path / "sent.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^sent\.txt .*{words}"):
        data.check(path)


@pytest.mark.parametrize("broken_at", [0, 5, 6, 7, 8, 9, 23])
def test_the_byte_that_cannot_be_read_is_counted_from_the_beginning(monkeypatch, broken_at):
    monkeypatch.setattr(texts, "CHUNK", 7)
    text = bytearray("aéiöu안녕하세요 abc abc".encode())
    text[broken_at] = 0xFF
    with pytest.raises(UnicodeDecodeError) as whole:
        text.decode()
    with pytest.raises(ValueError, match=f"byte {whole.value.start} cannot be read"):
        data.check(bytes(text))


def test_a_text_that_is_too_large_is_refused_with_the_limit_and_the_way_out(monkeypatch):
    monkeypatch.setattr(data, "LARGEST", 2_000_000)
    said = "has 3 MB; a run reads a text of at most 2 MB, so shorten it, or prepare it with"
    with pytest.raises(ValueError, match=said):
        data.check(b"word " * 600_000)


def test_a_huge_file_is_refused_without_being_read(tmp_path):
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(ValueError, match=r"^huge\.txt has 4398047 MB"):
        data.check(path)


def test_line_ends_of_other_systems_are_newlines_and_a_byte_order_mark_is_no_text():
    info = data.check("\ufeffone\r\ntwo\rthree\n".encode())
    assert info.preview == "one\ntwo\nthree\n"
    assert info.vocab_size == len(set("one\ntwo\nthree\n"))


def test_a_text_that_was_sent_is_kept_under_its_content(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    path = data.store(TEXT.encode(), "My poems.txt")
    assert path.read_text(encoding="utf-8") == TEXT
    assert path.parent == tmp_path / ".texts"
    assert path.name.startswith("My-poems-")
    assert data.store(TEXT.encode(), "My poems.txt") == path
    assert data.store(b"another", "My poems.txt") != path
    assert len(os.listdir(path.parent)) == 2, "nothing temporary is left"


def test_a_text_is_found_again_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", "models")
    path = data.store(b"text", "name")
    monkeypatch.chdir("/")
    assert path.read_bytes() == b"text"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "..", "a\0b", "/", "🦊" * 300, "x" * 999])
def test_no_name_leads_out_of_the_folder(tmp_path, monkeypatch, name):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    path = data.store(b"text", name)
    assert path.parent == tmp_path / ".texts"
    assert path.read_bytes() == b"text"
    assert len(path.name) < 80


def test_a_text_that_cannot_be_kept_is_told_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / ".texts").write_text("a file in the way")
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    with pytest.raises(OSError, match=r"the text could not be kept in .*\.texts \(File exists\)"):
        data.store(b"text", "name")


@pytest.mark.parametrize("kind", ["char", "gpt2", "bpe"])
def test_a_run_reads_its_text_in_the_fewest_bytes(text_file, run_folder, kind):
    dataset = data.load(config(text_file, tokenizer=kind, bpe_vocab_size=270), run_folder)
    assert dataset.ids.dtype == np.uint16
    assert dataset.ids.tolist() == dataset.tokenizer.encode(TEXT)
    assert dataset.bytes_per_token == len(TEXT.encode()) / len(dataset.ids)


def test_a_run_keeps_its_tokenizer_and_reads_it_when_it_goes_on(text_file, run_folder, monkeypatch):
    settings = config(text_file, tokenizer="bpe", bpe_vocab_size=270)
    first = data.load(settings, run_folder)
    monkeypatch.setattr(prepare, "tokenizer_for", None)  # nothing is learnt a second time
    again = data.load(settings, run_folder)
    assert again.ids.tolist() == first.ids.tolist()
    assert tokenizers.load(run_folder / "tokenizer").vocab_size == 270
    assert [path.name for path in run_folder.iterdir()] == ["tokenizer"]


def test_a_text_that_grew_a_character_since_is_told_in_words(text_file, run_folder):
    data.load(config(text_file), run_folder)
    text_file.write_text(TEXT + "Z", encoding="utf-8")
    with pytest.raises(ValueError, match=r"character Z .* is not among the"):
        data.load(config(text_file), run_folder)


def test_a_vocabulary_beyond_two_bytes_takes_four():
    tokenizer = CharacterTokenizer(map(chr, range(0x10000, 0x10000 + 70_000)))
    ids = data.encode(chr(0x10000 + 69_999), tokenizer)
    assert ids.dtype == np.uint32
    assert ids.tolist() == [69_999]


def test_a_batch_is_made_of_windows_of_the_text_whatever_its_type():
    ids = np.arange(60_000, 60_100, dtype=np.uint16)
    generator = torch.Generator().manual_seed(0)
    for inputs, targets in (
        batches.random_batch(ids, 5, 8, generator),
        *batches.windows_in_order(ids, 5, 8),
    ):
        assert inputs.dtype == targets.dtype == torch.int64
        assert torch.equal(targets, inputs + 1)
        assert inputs.min() >= 60_000


def test_ends_of_texts_are_counted_as_a_run_reads_them():
    text = ("one two three<|endoftext|>\n" * 50).encode()
    as_token = data.check(text, "gpt2", end_of_text=True).tokens
    assert data.check(text, "gpt2").tokens > as_token == 50 * 4


def test_a_prepared_text_is_read_with_the_ends_of_texts_that_it_was_prepared_with(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("one two three<|endoftext|>" * 50, encoding="utf-8")
    prepare.prepare(text, tmp_path / "prepared", "gpt2", end_of_text=True)
    info = data.check(tmp_path / "prepared", "gpt2", end_of_text=True)
    assert info.tokens == 50 * 4
    assert info.told("characters").startswith("about")
    with pytest.raises(ValueError, match="so end_of_text must be true; set it so, or prepare"):
        data.check(tmp_path / "prepared", "gpt2")


def test_bytes_a_token_are_those_of_the_part_that_is_asked_about():
    text = "ab" * 450 + "안녕" * 50  # the last tenth, which is held out, has 3 bytes a character
    tokenizer = CharacterTokenizer.from_text(text)
    train_ids, val_ids = data.split(np.array(tokenizer.encode(text)), 8)
    assert data.bytes_per_token(train_ids, tokenizer) == 1.0
    assert data.bytes_per_token(val_ids, tokenizer) == 3.0
    gpt2 = GPT2Tokenizer()
    ids = np.array(gpt2.encode(text))
    assert data.bytes_per_token(ids, gpt2) == (900 + 300) / len(ids)
