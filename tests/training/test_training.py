"""A run learns, can be stopped and broken in every way, and goes on as if nothing had been."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import gptviz
from gptviz import checkpoints
from gptviz.disk import append_row
from gptviz.jobs.worker import work
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training import tuning
from gptviz.training.config import TrainingConfig

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
VOCABULARY = len(set(TEXT))
BLOCK = 8
KEYS = {"step", "train_loss", "lr", "grad_norm", "tokens_per_second", "seconds", "time"}
PARTS = {"data", "forward", "backward", "optimizer", "other"}


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def begin(tmp_path: Path, text_file: Path) -> Callable[..., Run]:
    """Begin a run of a tiny model, with settings of your choice, in a folder of its own."""

    def create(name: str, dropout: float = 0.1, **changes) -> Run:
        model = GPTConfig(VOCABULARY, BLOCK, 1, 2, 8, *[dropout] * 3)
        usual = {
            "tokenizer": "char",
            "batch_size": 4,
            "steps": 12,
            "warmup_steps": 3,
            "learning_rate": 0.02,
            "min_learning_rate": 0.001,
            "eval_interval": 4,
            "precision": "float32",
        }
        settings = TrainingConfig(model=model, data=str(text_file), **{**usual, **changes})
        return Run.create(tmp_path / name, settings)

    return create


def after(steps: int) -> Callable[[], bool]:
    """A should_stop that says so after that many steps."""
    left = iter([*[False] * (steps - 1), True])
    return lambda: next(left)


def weights(run: Run) -> dict[str, torch.Tensor]:
    model, _ = checkpoints.read(run.checkpoint(run.status["last_step"]))
    return model.state_dict()


def assert_same_curve(found: Run, expected: Run) -> None:
    assert [row["step"] for row in found.metrics] == [row["step"] for row in expected.metrics]
    for mine, theirs in zip(found.metrics, expected.metrics, strict=True):
        for key in ("train_loss", "lr", "grad_norm"):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-4), (mine["step"], key)
    expected_weights = weights(expected)
    for name, tensor in weights(found).items():
        torch.testing.assert_close(tensor, expected_weights[name], rtol=1e-4, atol=1e-4)


def saved_steps(run: Run) -> list[str]:
    return sorted(folder.name for folder in (run.folder / "checkpoints").iterdir())


def test_a_run_writes_a_row_of_numbers_for_each_step(begin):
    run, rows = begin("run"), []
    work(run, on_step=rows.append)
    assert run.metrics == rows
    assert [row["step"] for row in rows] == list(range(1, 13))
    for row in rows:
        assert set(row) == (KEYS | {"val_loss"} if row["step"] in (4, 8, 12) else KEYS)
        assert all(math.isfinite(value) for name, value in row.items() if name != "time")
        assert row["tokens_per_second"] > 0
    assert rows[0]["lr"] == pytest.approx(0.02 / 3)
    assert rows[0]["train_loss"] == pytest.approx(math.log(VOCABULARY), abs=0.1)


def test_a_run_knows_its_state_its_best_and_its_last_step(begin):
    run = begin("run")
    assert run.status == {}
    seen = []
    work(run, on_step=lambda _: seen.append(run.status["state"]))
    assert set(seen) == {"running"}
    status = run.status
    losses = {row["step"]: row["val_loss"] for row in run.metrics if "val_loss" in row}
    best = min(losses, key=losses.__getitem__)
    assert status["state"] == "done"
    assert (status["step"], status["last_step"], status["steps"]) == (12, 12, 12)
    assert (status["best_step"], status["best_val_loss"]) == (best, losses[best])
    assert status["val_loss"] == losses[12]
    assert saved_steps(run) == sorted({f"step-{best:06d}", "step-000012"})


def test_a_run_keeps_its_best_checkpoint_and_its_last(begin):
    # So high a rate that the loss soon rises again.
    run = begin("run", steps=30, eval_interval=3, learning_rate=0.3, min_learning_rate=0.3)
    work(run)
    status = run.status
    assert status["best_step"] < 30
    assert saved_steps(run) == [f"step-{status['best_step']:06d}", "step-000030"]
    assert checkpoints.find(str(run.folder)) == run.checkpoint(status["best_step"])


def test_a_checkpoint_is_on_the_disk_before_an_earlier_one_is_removed(begin, monkeypatch):
    on_disk, write = set(), os.fsync

    def fsync(descriptor: int) -> None:
        write(descriptor)
        on_disk.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    run = begin("run")
    work(run)
    files = {file.name: file for file in run.checkpoint(12).iterdir()}
    assert files.keys() >= {"model.safetensors", "optimizer.safetensors"}
    assert {name for name, file in files.items() if file.stat().st_ino not in on_disk} == set()


def test_a_trained_model_has_learned_its_text(begin, text_file):
    text_file.write_text("abcdefgh" * 50, encoding="utf-8")
    run = begin("run", steps=80, eval_interval=40, dropout=0.0, batch_size=16)
    work(run)
    assert run.metrics[-1]["train_loss"] < 0.1 < 2 < run.metrics[0]["train_loss"]
    assert run.metrics[-1]["val_loss"] < 0.1
    steps = gptviz.load(run.folder).generate("abc", 20, temperature=0)
    assert "".join(step.token for step in steps) == "defghabcdefghabcdefg"


def test_the_same_seed_gives_the_same_run(begin):
    first, again, other = begin("first", seed=5), begin("again", seed=5), begin("other", seed=6)
    for run in (first, again, other):
        work(run)
    assert_same_curve(again, first)
    assert other.metrics[0]["train_loss"] != first.metrics[0]["train_loss"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_run_that_was_stopped_goes_on_along_the_very_curve(begin, precision, stop):
    settings = {"precision": precision, "dropout": 0.2, "accumulation": 2}
    unbroken, broken = begin("unbroken", **settings), begin("broken", **settings)
    work(unbroken)

    work(broken, should_stop=after(stop))

    status = broken.status
    assert (status["state"], status["last_step"]) == ("stopped", stop)
    assert len(broken.metrics) == stop
    assert "val_loss" in broken.metrics[-1], "a stop is a place to look up"
    assert f"step-{stop:06d}" in saved_steps(broken)
    work(Run(broken.folder))
    assert broken.status["state"] == "done"
    assert_same_curve(broken, unbroken)


def test_a_resumed_run_computes_in_the_type_that_it_began_with(begin):
    run = begin("run", precision="auto")
    run.update_status({"dtype": {"cpu": "bfloat16"}})
    work(run, should_stop=after(3))
    twin = begin("twin", precision="bfloat16")
    work(twin, should_stop=after(3))
    ways = [each.status["ways"]["cpu"] for each in (run, twin)]
    assert [way["dtype"] for way in ways] == ["bfloat16", "bfloat16"]
    assert ways[0] == ways[1]
    assert run.metrics[-1]["train_loss"] == twin.metrics[-1]["train_loss"]


def test_a_resumed_run_computes_in_the_way_that_it_began_with(begin, monkeypatch):
    run = begin("run", precision="auto")
    work(run, should_stop=after(3))
    (way,) = run.status["ways"].values()
    other = {**way, "chunk": 7}  # whatever a second measurement would say
    run.update_status({"ways": {"cpu": other}})
    monkeypatch.setattr(tuning, "tune", lambda *_: pytest.fail("it is settled already"))
    work(run, should_stop=after(3))
    assert run.status["ways"] == {"cpu": other}


def test_a_chosen_precision_is_computed_as_usual_without_trials(begin, monkeypatch):
    monkeypatch.setattr(tuning, "tune", lambda *_: pytest.fail("nothing is free"))
    run = begin("run", precision="float32")
    work(run, should_stop=after(2))
    assert run.status["ways"]["cpu"]["dtype"] == "float32"


def test_a_stop_in_the_last_step_leaves_a_finished_run(begin):
    run = begin("run", steps=5)
    work(run, should_stop=after(5))
    assert run.status["state"] == "done"


def test_a_finished_run_has_nothing_to_resume(begin):
    run = begin("run", steps=5)
    work(run)
    rows = run.metrics
    work(run)
    assert run.metrics == rows
    assert run.status["state"] == "done"


def test_accumulated_batches_learn_like_one_large_batch(begin):
    large = begin("large", dropout=0.0, batch_size=8)
    small = begin("small", dropout=0.0, batch_size=2, accumulation=4)
    work(large)
    work(small)
    assert_same_curve(small, large)


def test_long_gradients_are_clipped(begin):
    clipped, free = begin("clipped", gradient_clip=0.01), begin("free", gradient_clip=1e9)
    for run, longest in ((clipped, 0.01), (free, 1e9)):
        work(run, should_stop=after(1))
        norm = run.metrics[0]["grad_norm"]
        assert norm > 0.01, "metrics show the gradient as it was"
        moments = load_file(run.checkpoint(1) / "optimizer.safetensors")
        means = [tensor for name, tensor in moments.items() if name.endswith(".exp_avg")]
        followed = math.sqrt(sum(float((mean**2).sum()) for mean in means)) / (1 - 0.9)
        assert followed == pytest.approx(min(norm, longest), rel=1e-3)


def test_the_validation_loss_is_that_of_the_held_out_tail(begin):
    run = begin("run", steps=2, eval_interval=2, eval_windows=10_000)
    work(run)
    model, tokenizer = checkpoints.read(run.checkpoint(2))
    ids = torch.tensor(tokenizer.encode(TEXT))
    tail = ids[len(ids) - len(ids) // 10 :]
    losses = []
    for start in range(0, len(tail) - BLOCK, BLOCK):
        window = tail[start : start + BLOCK + 1]
        logits = model(window[:-1].unsqueeze(0))[0]
        losses.append(F.cross_entropy(logits, window[1:]).item())
    assert run.metrics[-1]["val_loss"] == pytest.approx(sum(losses) / len(losses), abs=1e-4)


def test_the_held_out_tail_is_never_trained_on(begin, text_file):
    head = TEXT[: len(TEXT) - len(TEXT) // 10]
    run = begin("run")
    work(run)
    # Other words in the tail, of the same characters: nothing that is learned may change.
    text_file.write_text(head + "".join(sorted(TEXT[len(head) :])), encoding="utf-8")
    other = begin("other")
    work(other)
    assert_same_curve(other, run)
    assert other.metrics[-1]["val_loss"] != run.metrics[-1]["val_loss"]


def test_a_loss_that_is_no_number_ends_the_run_in_words_and_keeps_the_last_checkpoint(begin):
    run = begin("run", warmup_steps=0)
    work(run, should_stop=after(3))
    before = weights(run)
    settings = json.loads((run.folder / "config.json").read_text())
    settings |= {"learning_rate": 1e30, "min_learning_rate": 1e30, "eval_interval": 1}
    (run.folder / "config.json").write_text(json.dumps(settings))

    with pytest.raises(ValueError, match=r"is (nan|inf) after \d+ steps: training has diverged"):
        work(Run(run.folder))

    status = run.status
    assert status["state"] == "failed"
    assert "lower the learning rate (it is 1e+30)" in status["error"]
    assert status["last_step"] == 3
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(run).items())
    assert all(tensor.isfinite().all() for tensor in before.values())


def test_a_run_that_goes_on_forgets_why_it_failed(begin, text_file):
    run = begin("run", steps=5)
    text_file.rename(text_file.with_suffix(".away"))
    with pytest.raises(FileNotFoundError, match="there is no text file at"):
        work(run)
    assert run.status["state"] == "failed"
    assert "there is no text file at" in run.status["error"]
    text_file.with_suffix(".away").rename(text_file)
    work(run)
    assert run.status["state"] == "done"
    assert "error" not in run.status


def test_a_model_with_too_little_room_for_the_text_is_refused(begin, text_file):
    run = begin("run")
    text_file.write_text(TEXT + "now with Capitals! and 123", encoding="utf-8")
    with pytest.raises(ValueError, match=r"the tokenizer has \d+ tokens, the model room for"):
        work(run)


def test_a_line_that_is_only_half_written_is_skipped(begin):
    run = begin("run")
    work(run, should_stop=after(5))
    rows = run.metrics
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "train_lo')
    assert run.metrics == rows
    work(run)
    assert [row["step"] for row in run.metrics] == list(range(1, 13))


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew(begin):
    run, unbroken = begin("run"), begin("unbroken")
    work(unbroken)
    append_row(run.folder / "metrics.jsonl", {"step": 1, "train_loss": 9.0})
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "train_lo')
    work(run)
    assert_same_curve(run, unbroken)


def test_one_process_trains_a_run_at_a_time(begin):
    run = begin("run", steps=3)

    def train_it_too(_: object) -> None:
        with pytest.raises(ValueError, match="is being trained by another process"):
            work(Run(run.folder))

    work(run, on_step=train_it_too)
    assert run.status["state"] == "done"
    work(Run(run.folder))


def test_a_folder_that_holds_something_is_left_alone(begin, tmp_path):
    run = begin("run")
    with pytest.raises(FileExistsError, match=r"already holds something; go on with `gptviz resum"):
        begin("run")
    assert Run(run.folder).config == run.config
    (tmp_path / "empty").mkdir()
    begin("empty")


def test_what_is_no_run_is_not_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not a training run: it holds no config\.json"):
        Run(tmp_path)
    (tmp_path / "config.json").write_text("{half")
    with pytest.raises(ValueError, match=r"config\.json cannot be read"):
        Run(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ValueError, match="these are not the settings of a training run"):
        Run(tmp_path)


def test_training_and_looking_agree_on_the_model(begin):
    run = begin("run")
    work(run)
    lm = gptviz.load(run.folder)
    trace = lm.trace("the cat")
    _, tokenizer = checkpoints.read(run.checkpoint(12))
    assert tokenizer.encode("the cat") == trace.ids == lm.tokenizer.encode("the cat")
    text_tokenizer = CharacterTokenizer.from_text(TEXT)
    assert trace.ids == text_tokenizer.encode("the cat")


def test_a_run_and_each_of_its_steps_know_how_often_a_token_occurs_in_what_they_read(begin):
    run = begin("run", snapshots=3)
    work(run)
    read = TEXT[: len(TEXT) - len(TEXT) // 10]
    ids = [sorted(set(TEXT)).index(character) for character in read]
    expected = np.bincount(ids, minlength=VOCABULARY)
    steps = [run.snapshot(step) for step in run.snapshots]
    assert len(steps) == 3
    for place in (run.folder, run.checkpoint(12), *steps):
        np.testing.assert_array_equal(gptviz.load(place).token_counts, expected)
    kept = [path.parent for path in run.folder.rglob("token_counts.npz")]
    assert kept == [run.folder], "no step has a copy of its own"


def test_a_run_from_before_its_tokens_were_counted_counts_them_when_it_is_resumed(begin):
    run = begin("run")
    work(run, should_stop=after(2))
    path = run.folder / "token_counts.npz"
    path.unlink()
    assert gptviz.load(run.folder).token_counts is None
    work(run, should_stop=after(2))
    assert gptviz.load(run.folder).token_counts.sum() == len(TEXT) - len(TEXT) // 10
    before = path.stat().st_mtime_ns
    work(run)
    assert path.stat().st_mtime_ns == before, "once is enough"


def test_the_first_weights_are_those_of_the_seed(begin):
    run = begin("run", learning_rate=1e-30, min_learning_rate=0.0, weight_decay=0.0, seed=4)
    work(run, should_stop=after(1))
    drawn = GPT(run.config.model, torch.Generator().manual_seed(4)).state_dict()
    for name, tensor in weights(run).items():
        torch.testing.assert_close(tensor, drawn[name])
