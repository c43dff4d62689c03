"""Runs that wait take little, and not more of them wait than a machine bears."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.cli import main
from gptviz.jobs import experiments, slot
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
SHAPE = ["--n-layer", "1", "--n-head", "2", "--n-embd", "8", "--block-size", "8", "--steps", "2"]
# A process that waits for the slot, and what it has loaded when it looks for the first time.
WAITS = """
import sys
from gptviz.cli import main
from gptviz.jobs import slot

def look(ahead):
    print("torch" in sys.modules, "pandas" in sys.modules, flush=True)
    raise KeyboardInterrupt

def wait(held, queued_at, gives_up, on_wait):
    look(slot.ahead(queued_at))

slot._wait = wait
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    source = tmp_path / "text.txt"
    source.write_text(TEXT, encoding="utf-8")
    return TrainingConfig(GPTConfig(40, 8, 1, 2, 8), str(source), steps=2, precision="float32")


@pytest.fixture
def full_queue(monkeypatch: pytest.MonkeyPatch):
    """A run that trains, and as many that wait as may."""
    monkeypatch.setattr(slot, "LONGEST", 1)
    (slot.folder() / "queue").mkdir(parents=True)
    with ExitStack() as held:
        held.enter_context(slot.turn(0.0))
        held.enter_context(slot._ticket_drawn(1.0))
        yield


@pytest.mark.parametrize("command", ["resume", "train", "train with a bpe"])
def test_a_process_that_waits_has_not_loaded_pytorch(tmp_path, config, command):
    words = ["train", "--run", str(tmp_path / "run"), "--data", config.data, *SHAPE]
    if command == "resume":
        Run.create(tmp_path / "run", config)
        words = ["resume", str(tmp_path / "run")]
    elif command != "train":
        words += ["--tokenizer", "bpe", "--bpe-vocab-size", "260"]
    done = subprocess.run(
        [sys.executable, "-c", WAITS, *words], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "False False", done.stderr


@pytest.mark.usefixtures("full_queue")
def test_a_full_queue_takes_no_run_and_says_so(tmp_path, config, capsys):
    words = "1 runs wait for their turn already, and no more can"
    with pytest.raises(ValueError, match=words):
        jobs.start(config, "one more", tmp_path / "models")
    with pytest.raises(ValueError, match=words):
        experiments.start("a", {"baseline": config, "b": config}, tmp_path / "models")
    assert jobs.list_runs(tmp_path / "models") == []
    run = Run.create(tmp_path / "stopped", config)
    run.update_status({"state": "stopped"})
    with pytest.raises(ValueError, match=words):
        jobs.resume(run)
    assert run.status == {"state": "stopped"}
    assert main(["train", "--run", str(tmp_path / "new"), "--data", config.data, *SHAPE]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match=words):  # it came by another way, at the same moment
        work(run)
    assert words in run.status["error"]


def test_a_queue_with_room_takes_a_run_again(config, tmp_path, monkeypatch):
    monkeypatch.setattr(slot, "LONGEST", 1)
    (slot.folder() / "queue").mkdir(parents=True)
    (slot.folder() / "queue" / "00-1").touch()  # of a process that is dead
    run = Run.create(tmp_path / "run", config)
    work(run)
    assert run.status["state"] == "done"
