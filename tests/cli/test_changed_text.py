"""A run whose text was changed since it stopped says so before it goes on."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from gptviz.cli import main
from gptviz.disk import read_json
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run, text
from gptviz.training import prepare
from gptviz.training.config import TrainingConfig

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
OTHER = "a dog sat on the old mat by the oak. the cat ran. " * 14


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def begun(tmp_path: Path, source: Path, **settings) -> Run:
    """A run that was stopped after two of its 8 steps."""
    config = TrainingConfig(
        GPTConfig(40, 8, 1, 2, 8), str(source), batch_size=2, steps=8, precision="float32"
    ).changed(settings)
    steps: list[dict] = []
    run = Run.create(tmp_path / "run", config)
    work(run, on_step=steps.append, should_stop=lambda: bool(steps))
    assert run.status["state"] == "stopped"
    return Run(run.folder)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "poems.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_run_remembers_the_size_and_the_hash_of_its_text(tmp_path, source):
    run = begun(tmp_path, source)
    (told,) = read_json(run.folder / "text.json")["texts"]
    assert told == {"step": 0, "bytes": len(TEXT), "sha256": sha256(source)}
    assert main(["resume", str(run.folder)]) == 0
    assert read_json(run.folder / "text.json")["texts"] == [told]


def test_a_run_on_a_changed_text_waits_for_a_word_and_tells_what_changed(tmp_path, source, capsys):
    run, before = begun(tmp_path, source), sha256(source)
    source.write_text(OTHER, encoding="utf-8")
    assert main(["resume", str(run.folder)]) == 1
    sentence = (
        f"{source} is not the text that this run has read: that had 600 bytes "
        f"(SHA-256 {before[:12]}…), now it has 700 bytes (SHA-256 {sha256(source)[:12]}…); put "
        f"the old text back, or go on with the new one by `gptviz resume {run.folder} "
        f"--accept-new-data`"
    )
    assert capsys.readouterr().err.splitlines()[-1] == f"gptviz: {sentence}"
    assert run.status["state"] == "failed"
    assert run.status["error"] == sentence, "the page shows it"
    assert run.checkpoints == [2]

    assert main(["resume", str(run.folder), "--accept-new-data"]) == 0
    assert "the text is another one: it had 600 bytes" in capsys.readouterr().out
    assert run.status["state"] == "done"
    told = read_json(run.folder / "text.json")["texts"]
    assert [(each["step"], each["bytes"]) for each in told] == [(0, 600), (2, 700)]
    with np.load(run.folder / "token_counts.npz") as file:
        assert file["counts"].sum() == len(OTHER) - len(OTHER) // 10, "of what it trains on now"


def test_a_run_goes_on_without_a_word_once_the_old_text_is_back(tmp_path, source):
    run = begun(tmp_path, source)
    source.write_text(OTHER, encoding="utf-8")
    assert main(["resume", str(run.folder)]) == 1
    source.write_text(TEXT, encoding="utf-8")
    assert main(["resume", str(run.folder)]) == 0
    assert run.status["state"] == "done"


def test_a_text_of_the_same_size_is_told_apart(tmp_path, source):
    run = begun(tmp_path, source)
    source.write_text(TEXT.replace("cat", "car"), encoding="utf-8")
    with pytest.raises(ValueError, match="is not the text that this run has read"):
        work(run)


def test_a_prepared_text_that_was_prepared_again_is_told_apart(tmp_path, source):
    folder = tmp_path / "prepared"
    prepare.prepare(source, folder, "char")
    run = begun(tmp_path, folder)
    size = (folder / "tokens.bin").stat().st_size
    assert text.known(run) == {"bytes": size, "sha256": sha256(folder / "tokens.bin")}
    for path in (*(folder / "tokenizer").iterdir(), folder / "tokens.bin"):
        path.unlink()
    (folder / "tokenizer").rmdir()
    (folder / "prepared.json").unlink()
    source.write_text(OTHER, encoding="utf-8")
    prepare.prepare(source, folder, "char")
    with pytest.raises(ValueError, match=rf"that had {size:,} bytes .* now it has 1,400 bytes"):
        work(run)


@pytest.mark.parametrize("content", [None, "{", '{"texts": [7]}', '{"texts": {}}'])
def test_a_run_that_says_nothing_of_its_text_is_believed(tmp_path, source, content):
    run = begun(tmp_path, source)
    if content is None:
        (run.folder / "text.json").unlink()
    else:
        (run.folder / "text.json").write_text(content)
    source.write_text(OTHER, encoding="utf-8")
    work(run)
    assert run.status["state"] == "done"
    assert text.known(run) == {"bytes": len(OTHER), "sha256": sha256(source)}


def test_a_text_that_is_gone_is_named(tmp_path, source):
    run = begun(tmp_path, source)
    source.unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no text file at .*; check the path"):
        work(run)
    with pytest.raises(FileNotFoundError, match=r"there is no text file at .*; check the path"):
        text.accept(run)
