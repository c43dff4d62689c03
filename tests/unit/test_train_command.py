"""`gptviz train`, `resume` and `export`: what people type, and what goes wrong where they do."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import gptviz
from gptviz import checkpoints
from gptviz.cli import main, settings
from gptviz.training import slot
from gptviz.training.runs import Run
from gptviz.training.worker import work

ROOT = Path(__file__).parents[2]
TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
TINY = {
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 8,
    "block_size": 8,
    "batch_size": 2,
    "steps": 12,
    "eval_interval": 4,
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def process_settings() -> Iterator[None]:
    """The command changes its own process's signals: put them back."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in handlers.items():
        signal.signal(name, handler)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def begin(tmp_path: Path, text_file: Path) -> Callable[..., list[str]]:
    """The words of a command that trains a tiny model in a folder of that name."""

    def command(name: str, **options: object) -> list[str]:
        settings = {"run": tmp_path / name, "data": text_file, **TINY, **options}
        pairs = ((f"--{key.replace('_', '-')}", str(value)) for key, value in settings.items())
        return ["train", *(word for pair in pairs for word in pair)]

    return command


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}


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
from gptviz.training import runs, saving, worker

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
whole_file = saving.save_file
{moment}
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def rows(folder: Path) -> list[tuple[int, float, float]]:
    return [(row["step"], row["train_loss"], row["grad_norm"]) for row in Run(folder).metrics]


def test_train_makes_a_folder_that_gptviz_loads(begin, tmp_path, capsys):
    assert main(begin("run", seed=3)) == 0
    shown = capsys.readouterr()
    assert "step 4: validation loss" in shown.out
    assert "nats a token" in shown.out
    assert "12/12" in shown.err, "a progress bar"
    lm = gptviz.load(tmp_path / "run")
    assert (lm.config.n_layer, lm.config.n_head, lm.config.n_embd) == (1, 2, 8)
    assert lm.config.block_size == 8
    assert lm.trace("the cat").logits.shape == (7, lm.config.vocab_size)
    config = Run(tmp_path / "run").config
    assert (config.seed, config.steps, config.batch_size) == (3, 12, 2)


def test_every_option_of_the_command_reaches_the_run(begin, tmp_path, text_file):
    own = {
        "tokenizer": "bpe",
        "bpe_vocab_size": 270,
        "batch_size": 3,
        "accumulation": 2,
        "steps": 2,
        "learning_rate": 0.5,
        "min_learning_rate": 0.25,
        "warmup_steps": 1,
        "schedule": "linear",
        "weight_decay": 0.3,
        "beta1": 0.8,
        "beta2": 0.95,
        "gradient_clip": 0.7,
        "precision": "bfloat16",
        "eval_interval": 2,
        "eval_windows": 1,
        "patience": 3,
        "sample_interval": 2,
        "sample_prompt": "the",
        "sample_tokens": 3,
        "snapshots": 2,
        "detail_interval": 1,
        "seed": 9,
    }
    shape = {
        "n_layer": 2,
        "n_head": 1,
        "n_embd": 4,
        "block_size": 6,
        "norm": "post",
        "position": "sinusoidal",
    }
    assert {*own, *shape, "data", "dropout"} == set(settings.SETTINGS)
    assert main([*begin("run", **own, **shape), "--dropout", "0.25"]) == 0
    config = Run(tmp_path / "run").config
    model = config.model
    assert config.data == str(text_file)
    assert {name: getattr(config, name) for name in own} == own
    assert {name: getattr(model, name) for name in shape} == shape
    assert (model.embd_pdrop, model.attn_pdrop, model.resid_pdrop) == (0.25, 0.25, 0.25)


def test_train_reads_a_text_with_the_vocabulary_of_gpt2(begin, tmp_path):
    words = begin("run", tokenizer="gpt2", steps=1)
    assert main(words) == 0
    lm = gptviz.load(tmp_path / "run")
    assert lm.config.vocab_size == 50257
    assert lm.tokenizer.encode(" king") == [5822]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no text file at"),
        ("a folder", "is a folder, and no text that was prepared"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8 text: byte 0 cannot be read"),
        (b"", "holds no text; training needs something to read"),
        (b" \n\n \t", "holds no text; training needs something to read"),
        (b"too short by far", "16 tokens are too few: the last tenth must hold one window of 9"),
    ],
)
def test_a_text_that_cannot_be_learned_is_refused_in_one_sentence(
    begin, tmp_path, capsys, content, words
):
    path = tmp_path / "bad.txt"
    if content == "a folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    assert main(begin("run", data=path)) == 1
    error = capsys.readouterr().err
    assert error.startswith("gptviz: ")
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists(), "no run was begun, so the name is still free"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_head": 3}, "n_embd 8 cannot be shared out among 3 heads"),
        ({"steps": 0}, "steps is 0; it must be a whole number, 1 or more"),
        ({"seed": 10**20}, "it must be below 4294967296"),
        ({"learning_rate": 0.00001}, "min_learning_rate is 0.0001; it must lie between"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_one_sentence(
    begin, tmp_path, capsys, options, words
):
    assert main(begin("run", **options)) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


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
    first = process.stdout.readline()
    assert "step 5: validation loss" in first, process.communicate()[1]

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
        ("saving.save_file = half_a_file; worker.work(run)", 4),  # while one is written
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
    assert "File too large" in told
    assert told.endswith("an earlier one is kept, so make room and resume")
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
    with pytest.raises(OSError, match=r"metrics\.jsonl could not be written \(Is a directory\)"):
        run.append_metrics({"step": 1})


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_export_writes_the_best_checkpoint_in_fewer_bits(begin, tmp_path, capsys, dtype):
    assert main(begin("run")) == 0
    folder = tmp_path / "exported"
    assert main(["export", str(tmp_path / "run"), str(folder), "--dtype", dtype]) == 0
    assert f"parameters as {dtype}" in capsys.readouterr().out
    stored = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {getattr(torch, dtype)}
    trained, exported = gptviz.load(tmp_path / "run"), gptviz.load(folder)
    for (name, mine), theirs in zip(
        exported.model.state_dict().items(), trained.model.state_dict().values(), strict=True
    ):
        assert mine.dtype == torch.float32
        assert torch.equal(mine, theirs.to(getattr(torch, dtype)).float()), name
    torch.testing.assert_close(
        exported.trace("the cat").logits, trained.trace("the cat").logits, rtol=0.02, atol=0.02
    )
    assert exported.tokenizer.encode("the cat") == trained.tokenizer.encode("the cat")


def test_export_takes_the_best_checkpoint_and_not_the_last(begin, tmp_path):
    rate = {"learning_rate": 0.3, "min_learning_rate": 0.3, "warmup_steps": 0}
    assert main(begin("run", steps=30, eval_interval=3, **rate)) == 0
    run = Run(tmp_path / "run")
    assert run.status["best_step"] < run.status["last_step"]
    assert main(["export", str(run.folder), str(tmp_path / "exported")]) == 0
    best, _ = checkpoints.read(run.checkpoint(run.status["best_step"]))
    exported, _ = checkpoints.read(tmp_path / "exported")
    assert torch.equal(exported.wte.weight, best.wte.weight)


def test_export_refuses_what_it_cannot_read_or_would_destroy(begin, tmp_path, capsys):
    assert main(begin("run", steps=2)) == 0
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "run")]) == 1
    assert "is a training run; choose another folder" in capsys.readouterr().err
    assert Run(tmp_path / "run").status["state"] == "done"
    (tmp_path / "empty").mkdir()
    assert main(["export", str(tmp_path / "empty"), str(tmp_path / "new")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("gptviz: ")
    assert not (tmp_path / "new").exists()
