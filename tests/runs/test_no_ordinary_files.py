"""A pipe, a device, a folder or a giant in the place of a run's file stops no list and no page."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.checkpoints import counts
from gptviz.disk import LARGEST_JSON, LARGEST_ROWS, append_row, drop_rows_after, rows
from gptviz.jobs import experiments, process
from gptviz.model import GPTConfig
from gptviz.runs import Run, lock, text
from gptviz.training.config import TrainingConfig

ROWS = ("metrics.jsonl", "samples.jsonl", "layers.jsonl", "induction.jsonl")
LOCKS = ("lock", "start.lock", "control.lock")
SMALL = ("about.json", "status.json", "control.json", "rates.json", "text.json", "experiment.json")
KINDS: dict[str, Callable[[Path], object]] = {
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
}
if hasattr(os, "mkfifo"):
    KINDS["pipe"] = os.mkfifo


@pytest.fixture(params=KINDS)
def put(request, monkeypatch) -> Callable[[Path], None]:
    """Put something in a file's place that must not be opened: it might never answer."""
    usual = Path.open

    def opened(path: Path, *given: object, **named: object) -> object:
        assert path.is_file() or not path.exists(), f"{path} was opened"
        return usual(path, *given, **named)

    monkeypatch.setattr(Path, "open", opened)

    def made(path: Path) -> None:
        path.unlink(missing_ok=True)
        KINDS[request.param](path)

    return made


@pytest.fixture
def run(tmp_path: Path, monkeypatch) -> Run:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    made = Run.create(tmp_path / "run", TrainingConfig(GPTConfig(5, 8, 1, 1, 4), "text.txt"))
    made.update_status({"state": "running"})
    return made


@pytest.mark.parametrize("name", [*ROWS, *LOCKS])
def test_the_list_tells_of_the_run_all_the_same(run, put, name):
    put(run.folder / name)
    assert [jobs.state(found) for found in jobs.list_runs()] == ["crashed"]
    assert rows(run.folder / name) == []


@pytest.mark.parametrize("name", SMALL)
def test_what_a_small_file_would_tell_is_unknown(run, put, name):
    put(run.folder / name)
    (found,) = jobs.list_runs() or [run]  # one that may have another name is left out
    assert jobs.state(found) in ("crashed", "failed")
    assert found.owner == ""
    assert text.known(found) is None
    assert experiments.list_experiments([found]) == []


def test_a_folder_with_such_settings_is_no_run(run, put):
    put(run.folder / "config.json")
    assert jobs.list_runs() == []


@pytest.mark.parametrize("name", [*LOCKS[:2], process.LOG])
def test_nothing_is_started_there_and_a_sentence_names_the_file(run, put, name):
    run.update_status({"state": "stopped"})
    put(run.folder / name)
    with pytest.raises(OSError, match=rf"{name} is no ordinary file; put the file itself"):
        jobs.resume(run)


def test_no_row_is_written_there_and_the_next_run_begins_a_file(run, put):
    path = run.folder / "metrics.jsonl"
    put(path)
    with pytest.raises(OSError, match="is no ordinary file"):
        append_row(path, {"step": 1})


def test_a_text_that_is_none_is_not_read(put, tmp_path):
    put(tmp_path / "text.txt")
    with pytest.raises(FileNotFoundError, match="there is no text file at"):
        text.of(tmp_path / "text.txt")


def test_a_giant_is_not_read(run):
    for name, size in (("metrics.jsonl", LARGEST_ROWS), ("token_counts.npz", counts.LARGEST)):
        with (run.folder / name).open("wb") as file:
            file.truncate(size + 1)  # which takes no room
    assert run.metrics == []
    with pytest.raises(OSError, match="is larger than any"):
        drop_rows_after(run.folder / "metrics.jsonl", 1)
    with pytest.raises(ValueError, match="copy it again, or remove it"):
        counts.read(run.folder, 5)
    with (run.folder / "config.json").open("ab") as file:
        file.truncate(LARGEST_JSON + 1)
    assert jobs.list_runs() == []


def test_a_lock_that_can_be_none_is_held_by_nobody(tmp_path, put):
    put(tmp_path / "lock")
    assert not lock.is_held(tmp_path / "lock")
    with pytest.raises(OSError, match="is no ordinary file"), lock.held(tmp_path / "lock"):
        pass
