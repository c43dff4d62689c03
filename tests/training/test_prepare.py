"""A prepared text: what lies on disk, and that training reads it from there."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gptviz
from gptviz import tokenizers
from gptviz.cli import main
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer
from gptviz.training import data, prepare, texts
from gptviz.training.config import TrainingConfig
from gptviz.training.loop import train

ROOT = Path(__file__).parents[2]
TEXT = "the cat sat on the mat.\n a dög ran by  the old oak. " * 20


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["char", "gpt2", "bpe"])
def test_the_folder_holds_the_tokens_of_the_text_and_its_tokenizer(text_file, tmp_path, kind):
    folder = tmp_path / "prepared"
    seen: list[int] = []
    about = prepare.prepare(text_file, folder, kind, 280, on_bytes=seen.append)
    tokenizer = tokenizers.load(folder / "tokenizer")
    ids = prepare.open_ids(folder)
    assert ids.tolist() == tokenizer.encode(TEXT)
    assert tokenizer.decode(ids.tolist()) == TEXT
    assert about == prepare.Prepared.read(folder)
    assert (about.tokens, about.bytes) == (len(ids), len(TEXT.encode()))
    assert (about.tokenizer, about.text) == (kind, "text.txt")
    assert sum(seen) == about.bytes
    assert names(folder) == ["prepared.json", "tokenizer", "tokens.bin"]
    assert (folder / "tokens.bin").stat().st_size == 2 * len(ids)
    assert names(tmp_path) == ["prepared", "text.txt"], "nothing temporary is left"


def test_pieces_of_a_long_text_make_the_file_of_the_whole(text_file, tmp_path, monkeypatch):
    prepare.prepare(text_file, tmp_path / "whole", "gpt2")
    monkeypatch.setattr(texts, "CHUNK", 13)
    prepare.prepare(text_file, tmp_path / "pieces", "gpt2")
    whole, pieces = tmp_path / "whole" / "tokens.bin", tmp_path / "pieces" / "tokens.bin"
    assert pieces.read_bytes() == whole.read_bytes()


def test_a_long_text_teaches_a_bpe_by_pieces_from_all_over(monkeypatch):
    monkeypatch.setattr(texts, "CHUNK", 100)
    monkeypatch.setattr(prepare, "LEARNT_FROM", 4)
    source = ("first " * 200 + "later " * 200).encode()
    tokenizer = prepare.tokenizer_for("bpe", source, 267)
    assert len(tokenizer.encode(" first later")) == 2


def test_training_reads_a_prepared_text_from_the_disk(text_file, tmp_path):
    folder = tmp_path / "prepared"
    prepare.prepare(text_file, folder, "char")
    config = TrainingConfig(GPTConfig(30, 8, 1, 2, 8), str(folder), "char")
    dataset = data.load(config, tmp_path)
    assert isinstance(dataset.ids, np.memmap)
    held_out = data.split(dataset.ids, 8)[1]
    assert np.shares_memory(held_out, dataset.ids), "no part is copied into memory"
    assert dataset.bytes_per_token == len(TEXT.encode()) / len(TEXT)


def test_a_run_on_a_prepared_text_follows_the_curve_of_one_on_the_text(text_file, tmp_path):
    prepare.prepare(text_file, tmp_path / "prepared", "char")
    losses = []
    for source in (text_file, tmp_path / "prepared"):
        run = tmp_path / f"run on {source.name}"
        words = ["--data", str(source), "--n-embd", "8", "--n-layer", "1", "--n-head", "2"]
        words += ["--steps", "3", "--block-size", "8", "--batch-size", "2"]
        words += ["--precision", "float32"]  # or each may find another way to be the quickest
        assert main(["train", "--run", str(run), *words]) == 0
        losses.append([row["train_loss"] for row in Run(run).metrics])
        assert gptviz.load(run).tokenizer.decode([0]) == "\n"
    assert losses[0] == losses[1]


def test_training_never_holds_a_prepared_text_as_a_whole(text_file, tmp_path):
    folder = tmp_path / "prepared"
    about = prepare.prepare(text_file, folder, "char")
    huge = 1 << 30  # tokens; the file has no content on the disk, so it takes no room
    with (folder / "tokens.bin").open("r+b") as file:
        file.truncate(2 * huge)
    path = folder / "prepared.json"
    path.write_text(path.read_text().replace(f'"tokens": {about.tokens}', f'"tokens": {huge}'))
    model = GPTConfig(30, 8, 1, 2, 8)
    run = Run.create(tmp_path / "run", TrainingConfig(model, str(folder), "char", steps=2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    train(run)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(run.metrics) == 2
    read = huge - huge // 10
    assert gptviz.load(run.folder).token_counts.sum() == read
    assert grown < 500_000, f"{grown / 1000:.0f} MB for a file of 2 GB"


@pytest.mark.parametrize("content", [b"", b"\xff", b"zero\0"])
def test_what_is_no_text_leaves_no_folder(tmp_path, content):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^bad\.txt "):
        prepare.prepare(path, tmp_path / "prepared", "gpt2")
    assert names(tmp_path) == ["bad.txt"]


def test_an_interrupt_leaves_nothing_half_written(text_file, tmp_path):
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(text_file, tmp_path / "prepared", "gpt2", on_bytes=interrupt)
    assert names(tmp_path) == ["text.txt"]


def test_a_full_disk_is_told_in_one_sentence_and_leaves_nothing(text_file, tmp_path):
    code = f"""
import resource, signal, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from gptviz.cli import main
sys.exit(main(["prepare", {str(text_file)!r}, {str(tmp_path / "prepared")!r}]))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "prepared could not be written (File too large); nothing is left of it" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path) == ["text.txt"]


def test_a_folder_that_holds_something_is_not_overwritten(text_file, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "poem").write_text("mine")
    for folder in (tmp_path / "full", text_file):
        with pytest.raises(FileExistsError, match="already holds something; choose another"):
            prepare.prepare(text_file, folder, "gpt2")
    assert names(tmp_path / "full") == ["poem"]
    assert text_file.read_text(encoding="utf-8") == TEXT


def test_an_empty_folder_is_filled(text_file, tmp_path):
    (tmp_path / "new").mkdir()
    prepare.prepare(text_file, tmp_path / "new", "gpt2")
    assert prepare.open_ids(tmp_path / "new").tolist() == GPT2Tokenizer().encode(TEXT)


def test_a_broken_prepared_text_is_told_in_words(text_file, tmp_path):
    folder = tmp_path / "prepared"
    config = TrainingConfig(GPTConfig(30, 8, 1, 2, 8), str(tmp_path), "char")
    with pytest.raises(FileNotFoundError, match=r"no text that was prepared.*gptviz prepare"):
        data.load(config, tmp_path)
    prepare.prepare(text_file, folder, "char")
    tokens = (folder / "tokens.bin").read_bytes()
    (folder / "tokens.bin").write_bytes(tokens[:-1])
    with pytest.raises(ValueError, match=f"has {len(tokens) - 1} bytes and should have"):
        prepare.open_ids(folder)
    (folder / "tokens.bin").unlink()
    with pytest.raises(ValueError, match="has 0 bytes and should have"):
        prepare.open_ids(folder)
    (folder / "prepared.json").write_text("{}")
    with pytest.raises(ValueError, match=r"cannot be read .*; prepare the text again"):
        prepare.open_ids(folder)


def test_a_prepared_text_of_another_vocabulary_is_told_in_words(text_file, tmp_path):
    folder = tmp_path / "prepared"
    prepare.prepare(text_file, folder, "char")
    vocab_size = tokenizers.load(folder / "tokenizer").vocab_size
    ids = np.fromfile(folder / "tokens.bin", "<u2")
    ids[5] = vocab_size
    ids.tofile(folder / "tokens.bin")
    run = Run.create(
        tmp_path / "run", TrainingConfig(GPTConfig(30, 8, 1, 2, 8), str(folder), "char")
    )
    with pytest.raises(
        ValueError, match=f"holds the token {vocab_size}, .* knows only {vocab_size}; prepare"
    ):
        train(run)


def test_a_large_vocabulary_takes_four_bytes_a_token(tmp_path):
    path = tmp_path / "many.txt"
    many = [chr(i) for i in range(0x10000, 0x10000 + 70_000)]
    path.write_text("".join(many), encoding="utf-8")
    prepare.prepare(path, tmp_path / "prepared", "char")
    ids = prepare.open_ids(tmp_path / "prepared")
    assert ids.dtype == np.uint32
    assert ids.tolist() == CharacterTokenizer(many).encode("".join(many))
