"""Runs in processes of their own, which outlive whoever started them and hold up nobody."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.jobs.process import LOG
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

REPOSITORY = Path(__file__).parents[2]
TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
LONGEST_WAIT = 120  # seconds; a test that would hang fails instead

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for runs; what still trains there at the end of the test is killed."""
    paths = (str(REPOSITORY), os.environ.get("PYTHONPATH", ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    folder = tmp_path / "checkpoints"
    yield folder
    for process in trainers(folder):
        os.kill(process, signal.SIGKILL)


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    """A tiny model that would train for hours."""
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8, *[0.1] * 3)
    return TrainingConfig(
        model=model,
        data=str(text),
        tokenizer="char",
        batch_size=4,
        steps=10**6,
        eval_interval=10,
        precision="float32",
    )


def trainers(folder: Path) -> list[int]:
    """The processes that train a run, or the runs in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
        except OSError:  # it has ended
            continue
        if "resume" in words and any(Path(word).is_relative_to(folder) for word in words):
            found.append(int(path.name))
    return found


def wait_until(condition: Callable[[], object], run: Run) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while not condition():
        log = run.folder / LOG
        told = log.read_text() if log.exists() else ""
        assert time.monotonic() < deadline, (jobs.state(run), run.status, told)
        time.sleep(0.02)


def wait_for_steps(run: Run, n: int) -> None:
    wait_until(lambda: len(run.metrics) >= n, run)


def curve(run: Run, n: int) -> list[tuple]:
    rows = run.metrics[:n]
    return [(row["step"], row["train_loss"], row["grad_norm"], row["lr"]) for row in rows]


def kill(run: Run) -> None:
    [process] = trainers(run.folder)
    os.kill(process, signal.SIGKILL)


def stop(run: Run) -> None:
    jobs.stop(run)
    wait_until(lambda: jobs.state(run) not in ("queued", "running"), run)
    assert jobs.state(run) == "stopped"


def test_a_killed_run_has_crashed_and_goes_on_along_the_very_curve(root, config):
    run = jobs.start(config, "Victim", root)
    assert jobs.state(run) in ("queued", "running"), "and at no moment crashed"
    wait_for_steps(run, 25)
    assert jobs.state(run) == "running"
    kill(run)
    wait_until(lambda: jobs.state(run) == "crashed", run)
    n_done = len(run.metrics)

    jobs.resume(run)
    assert jobs.state(run) in ("queued", "running")
    wait_for_steps(run, n_done + 15)
    stop(run)

    n = n_done + 15
    unbroken = Run.create(root / "unbroken", config)
    left = iter([False] * (n - 1) + [True])
    work(unbroken, should_stop=lambda: next(left))
    assert len(unbroken.metrics) == n
    for mine, theirs in zip(curve(run, n), curve(unbroken, n), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)


def test_a_run_outlives_the_server_that_started_it(root, config, tmp_path):
    start = f"""
import sys
from pathlib import Path
from gptviz import jobs
from gptviz.runs import Run
config = Run(Path({str(tmp_path / "settings")!r})).config
jobs.start(config, "orphan", Path({str(root)!r}))
print("started", flush=True)
sys.stdin.read()
"""
    Run.create(tmp_path / "settings", config)
    pipe = subprocess.PIPE
    server = subprocess.Popen([sys.executable, "-c", start], stdin=pipe, stdout=pipe)
    with server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"started\n"
        run = jobs.find_run("orphan", root)
        server.kill()
    n_before = len(run.metrics)
    wait_for_steps(run, n_before + 15)
    assert jobs.state(run) == "running"
    stop(run)
    assert run.status["last_step"] == len(run.metrics)


def test_of_two_that_are_started_at_once_one_runs_and_one_waits_until_the_first_dies(
    root, config, tmp_path
):
    press = f"""
import sys
from pathlib import Path
from gptviz import jobs
from gptviz.runs import Run
config = Run(Path({str(tmp_path / "settings")!r})).config
print("ready", flush=True)
sys.stdin.readline()
jobs.start(config, "same name", Path({str(root)!r}))
"""
    Run.create(tmp_path / "settings", config)
    pipe = subprocess.PIPE
    pages = [
        subprocess.Popen([sys.executable, "-c", press], stdin=pipe, stdout=pipe) for _ in range(2)
    ]
    for page in pages:
        assert page.stdout is not None
        assert page.stdout.readline() == b"ready\n"
    for page in pages:
        assert page.stdin is not None
        page.stdin.write(b"now\n")
        page.stdin.flush()
    for page in pages:
        page.communicate(timeout=LONGEST_WAIT)
        assert page.returncode == 0

    runs = jobs.list_runs(root)
    assert sorted(run.id for run in runs) == ["same name", "same name 2"]
    wait_until(lambda: any(len(run.metrics) >= 12 for run in runs), runs[0])
    [running] = [run for run in runs if jobs.state(run) == "running"]
    [waiting] = [run for run in runs if jobs.state(run) == "queued"]
    assert jobs.queue_position(waiting) == 0
    assert waiting.metrics == []

    kill(running)
    wait_for_steps(waiting, 12)
    assert (jobs.state(running), jobs.state(waiting)) == ("crashed", "running")

    [process] = trainers(waiting.folder)
    os.kill(process, signal.SIGTERM)
    wait_until(lambda: jobs.state(waiting) == "stopped", waiting)
    assert waiting.status["last_step"] == len(waiting.metrics)
    assert waiting.checkpoint(waiting.status["last_step"]).is_dir()
