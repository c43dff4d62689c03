"""A run whose folder or disk fails says the truth about it, and what to do."""

import errno
import os
import resource
import shutil
from pathlib import Path

import pytest
from safetensors import SafetensorError

from gptviz import disk, disk_errors
from gptviz.jobs import slot
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run, lock
from gptviz.training.config import TrainingConfig

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12


@pytest.fixture
def run(tmp_path: Path) -> Run:
    source = tmp_path / "text.txt"
    source.write_text(TEXT, encoding="utf-8")
    config = TrainingConfig(
        *(GPTConfig(40, 8, 1, 2, 8), str(source)),
        **{"batch_size": 2, "steps": 9, "eval_interval": 3, "snapshots": 0},
        precision="float32",
    )
    return Run.create(tmp_path / "run", config)


@pytest.mark.parametrize("step", [1, 3, 4])
def test_a_run_whose_folder_is_removed_ends_with_that_sentence_and_leaves_nothing(run, step):
    def remove(row: dict) -> None:
        if row["step"] == step:
            shutil.rmtree(run.folder)

    with pytest.raises(FileNotFoundError, match="was removed while this run was at work in it"):
        work(run, on_step=remove)
    assert not run.folder.exists()


def test_a_run_that_waits_leaves_the_queue_when_its_folder_is_removed(run):
    def remove(ahead: int) -> None:
        assert ahead == 0
        shutil.rmtree(run.folder)

    with (
        slot.turn(0.0),
        pytest.raises(FileNotFoundError, match="was removed while this run was at work in it"),
    ):
        work(run, on_wait=remove)
    assert slot.ahead(float("inf")) == 0
    assert not run.folder.exists()


def test_a_run_without_a_checkpoint_promises_none(run):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, limits[1]))
    try:
        with pytest.raises(OSError, match="the checkpoint of step 3 could not") as failed:
            work(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(failed.value).endswith(
        "(File too large); there is none, and it begins anew, so allow larger files and resume"
    )
    assert run.status["state"] == "failed"
    work(run)
    assert run.status["state"] == "done"


def test_a_run_on_a_full_disk_says_so_in_the_room_that_its_status_has(run, monkeypatch):
    def full(path: Path, _: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def fill(row: dict) -> None:
        if row["step"] == 4:
            monkeypatch.setattr(disk, "write_bytes", full)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "metrics.jsonl")

    with pytest.raises(OSError, match="No space"):
        work(run, on_step=fill)
    status = run.status
    assert status["state"] == "failed"
    assert status["error"] == (
        "metrics.jsonl cannot be used (No space left on device); make room and try again"
    )
    assert status["last_step"] == 3


def test_numbers_for_tensorboard_that_cannot_be_written_end_no_run(run):
    pytest.importorskip("tensorboard")
    (run.folder / "tensorboard").write_text("in its place")
    work(run)
    assert run.status["state"] == "done"
    assert run.status["warning"] == (
        "what TensorBoard reads could not be written (File exists); training goes on, and what "
        "was written before is kept, so see whether the disk is in order"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EACCES, "give this user the right to do so"),
        (errno.EROFS, "make the disk writable"),
        (errno.ENOENT, "bring its folder back"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EIO, "see whether the disk is in order"),
    ],
)
def test_what_to_do_depends_on_what_is_wrong(tmp_path, monkeypatch, number, words):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number), "partial")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    path = tmp_path / "status.json"
    with pytest.raises(OSError, match=r"status\.json could not be written") as told:
        disk.write_json(path, {})
    sentence = f"{path} could not be written ({os.strerror(number)}); {words} and try again"
    assert str(told.value) == sentence
    assert disk_errors.in_words(told.value) == sentence
    raw = OSError(number, os.strerror(number), str(path))
    assert disk_errors.in_words(raw) == (
        f"{path} cannot be used ({os.strerror(number)}); {words} and try again"
    )


@pytest.mark.parametrize(
    "words",
    [
        'Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No room" })',
        "Error while serializing: I/O error: No room (os error 28)",
    ],
)
def test_what_the_writer_of_weights_says_is_understood(words):
    assert disk_errors.reason(SafetensorError(words)) == os.strerror(errno.ENOSPC)
    assert disk_errors.advice(SafetensorError(words)) == "make room"
    assert disk_errors.reason(SafetensorError("broken")) == "broken"


def test_a_lock_that_can_be_no_file_is_told_in_words(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=r"lock cannot be used \(No such file"),
        lock.held(tmp_path / "gone" / "lock"),
    ):
        pass
