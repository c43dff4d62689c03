"""A run in a terminal is stopped, killed or out of room, and `gptviz resume` goes on with it."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import gptviz
from gptviz.cli import main
from gptviz.disk import append_row
from gptviz.jobs import slot
from gptviz.jobs.worker import work
from gptviz.runs import Run

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def gptviz_process(words: list[str], **options) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gptviz", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=environment(), stdout=pipe, stderr=pipe, text=True, **options
    )


def killing_itself(folder: Path, moment: str) -> None:
    """Train in a process that is killed (kill -9) at a moment which the code chooses."""
    code = f"""
import os, signal
from pathlib import Path
from gptviz import runs
from gptviz.jobs import worker
from gptviz.training.record import checkpoints

run = runs.Run(Path({str(folder)!r}))
def kill():
    os.kill(os.getpid(), signal.SIGKILL)
def at_step(n):
    return lambda row: kill() if row["step"] == n else None
def half_a_file(tensors, path):
    Path(path).write_bytes(b"half")
    if run.status.get("last_step"):
        kill()
    return whole_file(tensors, path)
whole_file = checkpoints.save_file
{moment}
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def rows(folder: Path) -> list[tuple[int, float, float]]:
    return [(row["step"], row["train_loss"], row["grad_norm"]) for row in Run(folder).metrics]


def test_a_folder_that_holds_something_is_not_overwritten(begin, tmp_path, capsys):
    assert main(begin("run", steps=2)) == 0
    before = rows(tmp_path / "run")
    assert main(begin("run", steps=3)) == 1
    assert "already holds a run; go on with `gptviz resume" in capsys.readouterr().err
    assert rows(tmp_path / "run") == before


@pytest.mark.parametrize("content", [None, "{}", '{"model_type": "gpt2"}', "{half"])
def test_resume_refuses_what_is_no_run(tmp_path, capsys, content):
    folder = tmp_path / "folder"
    folder.mkdir()
    if content is not None:
        (folder / "config.json").write_text(content)
    assert main(["resume", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("gptviz: ")
    assert error.count("\n") == 1


def test_a_run_that_is_asked_to_end_ends_with_a_checkpoint_and_no_other_may_join(
    begin, tmp_path, capsys
):
    process = gptviz_process(begin("run", steps=10**6, eval_interval=5))
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(3)]
    assert told[0].endswith("pass the 540 tokens of its text 3e+04 times\n"), told
    assert "It computes in float32 with fused attention" in told[1], "nothing was tried"
    assert "step 5: validation loss" in told[2]

    assert main(["resume", str(tmp_path / "run")]) == 1
    error = capsys.readouterr().err
    assert "is being trained by another process; stop that one first" in error

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.strip().endswith(f"go on with: gptviz resume {tmp_path / 'run'}")
    status = Run(tmp_path / "run").status
    assert status["state"] == "stopped"
    assert status["last_step"] == len(Run(tmp_path / "run").metrics) >= 5
    gptviz.load(tmp_path / "run")


def test_a_run_says_in_the_terminal_what_it_waits_for(begin, tmp_path):
    with slot.turn(time.time()):
        process = gptviz_process(begin("run", steps=2))
        assert process.stderr is not None
        told = ""
        while "waiting for another run to end (it is next)" not in told:
            letter = process.stderr.read(1)
            assert letter, f"it ended: {told}"
            told += letter
        assert Run(tmp_path / "run").metrics == []
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert len(Run(tmp_path / "run").metrics) == 2


@pytest.mark.parametrize(
    ("moment", "steps_done"),
    [
        ("worker.work(run, on_step=at_step(2))", 0),  # before the first checkpoint
        ("worker.work(run, on_step=at_step(7))", 4),  # between two checkpoints
        ("checkpoints.save_file = half_a_file; worker.work(run)", 4),  # while one is written
    ],
    ids=["before a checkpoint", "between two", "while one is written"],
)
def test_a_run_that_is_killed_goes_on_along_the_same_curve(begin, tmp_path, moment, steps_done):
    assert main(begin("unbroken")) == 0
    Run.create(tmp_path / "killed", Run(tmp_path / "unbroken").config)
    killing_itself(tmp_path / "killed", moment)
    assert Run(tmp_path / "killed").status.get("last_step", 0) == steps_done

    assert main(["resume", str(tmp_path / "killed")]) == 0

    killed, unbroken = Run(tmp_path / "killed"), Run(tmp_path / "unbroken")
    assert killed.status["state"] == "done"
    assert killed.status["best_val_loss"] == pytest.approx(
        unbroken.status["best_val_loss"], abs=1e-4
    )
    for mine, theirs in zip(rows(killed.folder), rows(unbroken.folder), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)
    left = {path.name for path in (killed.folder / "checkpoints").iterdir()}
    assert left == {path.name for path in (unbroken.folder / "checkpoints").iterdir()}


@pytest.mark.parametrize("share", [0.5, 1.5], ids=["no model fits", "no optimiser fits"])
def test_a_full_disk_ends_a_run_in_one_sentence_and_keeps_the_last_checkpoint(
    begin, tmp_path, share
):
    assert main(begin("unbroken")) == 0
    run = Run.create(tmp_path / "run", Run(tmp_path / "unbroken").config)
    asked = iter([False] * 4 + [True])
    work(run, should_stop=lambda: next(asked))
    last = run.checkpoint(5)
    size = (last / "model.safetensors").stat().st_size
    before = load_file(last / "model.safetensors")

    def small_disk() -> None:
        longest = int(size * share)
        resource.setrlimit(resource.RLIMIT_FSIZE, (longest, longest))

    process = gptviz_process(["resume", str(run.folder)], preexec_fn=small_disk)
    _, err = process.communicate()

    assert process.returncode == 1
    assert "Traceback" not in err
    told = err.splitlines()[-1]
    assert told.startswith("gptviz: the checkpoint of step 8 could not be written to")
    assert told.endswith(
        "(File too large); that of step 5 is kept, so allow larger files and resume"
    )
    assert run.status["state"] == "failed"
    assert run.status["last_step"] == 5
    assert all(map(torch.equal, before.values(), load_file(last / "model.safetensors").values()))

    assert main(["resume", str(run.folder)]) == 0
    assert run.status["state"] == "done"
    for mine, theirs in zip(rows(run.folder), rows(tmp_path / "unbroken"), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)


def test_metrics_that_cannot_be_written_end_a_run_in_one_sentence(begin, tmp_path):
    assert main(begin("run", steps=4)) == 0
    run = Run(tmp_path / "run")
    (run.folder / "metrics.jsonl").unlink()
    (run.folder / "metrics.jsonl").mkdir()
    with pytest.raises(OSError, match=r"metrics\.jsonl is no ordinary file"):
        append_row(run.folder / "metrics.jsonl", {"step": 1})
