"""Several processes train one run as one does, and end together however one of them ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.jobs import slot
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig
from gptviz.training.process_group import ALONE, ProcessGroup
from gptviz.training.torchrun import join

ROOT = Path(__file__).parents[2]
TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
DEADLINE = 240  # seconds, on a machine that is busy with much else
# What Python does, now and then, if a thread of PyTorch gives a tensor back while it shuts down.
ABORT_AT_SHUTDOWN = """
import atexit, os
if "RANK" in os.environ:
    atexit.register(os.abort)
"""
GONE = "another of the 2 processes is gone, or cannot be reached"
SETTINGS = {
    "tokenizer": "char",
    "batch_size": 6,
    "accumulation": 2,
    "steps": 10_000,
    "warmup_steps": 3,
    "learning_rate": 0.02,
    "min_learning_rate": 0.001,
    "eval_interval": 5,
    "eval_windows": 5,
    "detail_interval": 1,
    "snapshots": 0,
    "precision": "float32",
}


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Run]:
    """Begin a run of a tiny model without dropout, which several processes draw differently."""
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8, 0.0, 0.0, 0.0)

    def create(name: str, **changes) -> Run:
        config = TrainingConfig(model=model, data=str(text), **{**SETTINGS, **changes})
        return Run.create(tmp_path / name, config)

    return create


class Pair:
    """Two processes that train together, as torchrun would start them; what each says is kept.

    The second one is told the name of a run that does not exist: it has no use for it.
    """

    def __init__(self, folder: Path):
        self.folder, self.processes = folder, []

    def resume(self, run: Run) -> None:
        for file in self.folder.glob("*.txt"):
            file.unlink()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        team = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        self.processes = []
        for rank, named in enumerate((str(run.folder), "nowhere")):
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            with (self.folder / f"{rank}.txt").open("w") as said:
                process = subprocess.Popen(
                    [sys.executable, "-m", "gptviz", "resume", named],
                    cwd=self.folder,
                    env={**os.environ, "PYTHONPATH": str(ROOT), **team, **ranks},
                    stdout=said,
                    stderr=said,
                )
            self.processes.append(process)

    def wait(self) -> list[int]:
        """The exit codes, when both have ended."""
        return [process.wait(DEADLINE) for process in self.processes]

    def output(self, rank: int) -> str:
        """All that a process has written."""
        return (self.folder / f"{rank}.txt").read_text(encoding="utf-8")

    def said(self, rank: int) -> str:
        """The last line of it."""
        return ["", *self.output(rank).strip().splitlines()][-1]

    def until(self, condition: Callable[[], bool]) -> None:
        give_up = time.monotonic() + DEADLINE
        while not condition():
            ended = [process.poll() for process in self.processes]
            assert ended == [None, None], (ended, self.said(0), self.said(1))
            assert time.monotonic() < give_up
            time.sleep(0.01)

    def until_step(self, run: Run, step: int) -> None:
        self.until(lambda: any(row["step"] >= step for row in run.metrics))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    folder = tmp_path / "pair"
    folder.mkdir()
    pair = Pair(folder)
    yield pair
    for process in pair.processes:
        process.kill()
        process.wait()


def after(steps: int) -> Callable[[], bool]:
    """A should_stop that says so after that many steps."""
    left = iter([*[False] * (steps - 1), True])
    return lambda: next(left)


def assert_same_curve(found: Run, expected: Run) -> None:
    rows = [row["step"] for row in found.metrics]
    assert rows == list(range(1, len(rows) + 1))
    assert len(rows) == len(expected.metrics)
    for mine, theirs in zip(found.metrics, expected.metrics, strict=True):
        for key in ("train_loss", "lr", "grad_norm"):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-3), (mine["step"], key)
        if "val_loss" in mine and "val_loss" in theirs:
            assert mine["val_loss"] == pytest.approx(theirs["val_loss"], abs=1e-3)


def test_torchrun_with_two_processes_ends_with_the_loss_of_one(tmp_path):
    shared = tmp_path / "shared"
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text(ABORT_AT_SHUTDOWN, encoding="utf-8")
    torchrun = f"{sys.executable} -m torch.distributed.run --standalone --nproc-per-node 2"
    train = f"-m gptviz train --folder {shared} --data text.txt --steps 20 --eval-interval 5"
    batch = "--batch-size 6 --accumulation 2 --eval-windows 5 --precision float32"
    batch += " --copy-steps 3 --repeat-share 0.4 --vocab-sample 6"
    model = "--n-layer 1 --n-head 2 --n-embd 8 --block-size 8 --dropout 0"
    ended = subprocess.run(
        [*torchrun.split(), *train.split(), *batch.split(), *model.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path)))},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    together = Run(shared)
    assert together.status["state"] == "done"
    alone = Run.create(tmp_path / "alone", together.config)
    work(alone)
    assert_same_curve(together, alone)
    assert together.metrics[-1]["val_loss"] < together.metrics[4]["val_loss"]


def test_a_run_whose_second_process_is_killed_fails_in_words_and_goes_on_with_one(begin, pair):
    unbroken, broken = begin("unbroken"), begin("broken")
    pair.resume(broken)
    pair.until_step(broken, 7)
    pair.processes[1].kill()
    assert pair.wait() == [1, -signal.SIGKILL]

    step = broken.status["step"]
    told = f"{GONE}; the checkpoint of step {step} is kept, so resume the run"
    assert pair.said(0) == f"gptviz: {told}"
    assert (broken.status["state"], broken.status["error"]) == ("failed", told)
    assert broken.status["last_step"] == step == broken.metrics[-1]["step"]

    work(broken, should_stop=after(3))
    work(unbroken, should_stop=after(step + 3))
    assert_same_curve(broken, unbroken)


def test_a_run_whose_first_process_is_killed_has_crashed_and_goes_on_with_two(begin, pair):
    unbroken, broken = begin("unbroken"), begin("broken")
    pair.resume(broken)
    pair.until(lambda: broken.status.get("last_step", 0) > 0)
    pair.processes[0].kill()
    assert pair.wait() == [-signal.SIGKILL, 1]
    assert pair.said(1) == f"gptviz: {GONE}"
    assert jobs.state(broken) == "crashed"

    kept = broken.status["last_step"]
    pair.resume(broken)
    pair.until(lambda: "validation loss" in pair.output(0))
    jobs.pause(broken)
    assert pair.wait() == [0, 0]
    assert broken.status["state"] == "paused"
    step = broken.status["last_step"]
    assert step == broken.metrics[-1]["step"] > kept
    work(unbroken, should_stop=after(step))
    assert_same_curve(broken, unbroken)


def test_a_signal_to_the_second_process_which_has_no_files_stops_both_after_a_step(begin, pair):
    run = begin("run")
    pair.resume(run)
    pair.until_step(run, 2)
    pair.processes[1].send_signal(signal.SIGTERM)
    assert pair.wait() == [0, 0]
    assert run.status["state"] == "stopped"
    assert run.status["last_step"] == run.metrics[-1]["step"]
    assert {path.name for path in pair.folder.iterdir()} == {"0.txt", "1.txt"}
    assert pair.said(1) == ""


def test_a_loss_that_is_no_number_ends_all_with_the_reason(begin, pair):
    run = begin("run", learning_rate=1e30, min_learning_rate=0.0, warmup_steps=0)
    pair.resume(run)
    assert pair.wait() == [1, 0]
    assert "training has diverged; lower the learning rate" in pair.said(0)
    assert run.status["state"] == "failed"
    assert pair.said(1) == ""


def test_processes_that_wait_for_the_machine_can_be_stopped(begin, pair):
    run = begin("run")
    with slot.turn(time.time()) as ours:
        assert ours
        pair.resume(run)
        pair.until(lambda: "waiting for another run" in pair.said(0))
        jobs.stop(run)
        assert pair.wait() == [0, 0]
    assert run.status["state"] == "stopped"


def test_a_batch_that_cannot_be_shared_out_is_refused(begin):
    three = ProcessGroup()
    three.world_size = 3
    three.require_divisible(6)
    with pytest.raises(ValueError, match="batch_size 8 cannot be shared out among 3 processes"):
        three.require_divisible(8)
    with pytest.raises(ValueError, match="choose 3 or another multiple of 3"):
        three.require_divisible(2)
    run = begin("run", batch_size=8)
    with pytest.raises(ValueError, match="cannot be shared out"):
        work(run, group=three)
    assert run.status["state"] == "failed"


def test_a_process_that_nobody_started_together_with_others_is_alone(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert join() is ALONE
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert join() is ALONE
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="RANK is not set; start them with: torchrun"):
        join()
