"""A run is steered while it runs, and whoever resumes it gets the very same curve."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptviz import checkpoints, jobs
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run, control
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import learning_rate
from gptviz.training.record import progress

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
USUAL: dict[str, Any] = {
    "tokenizer": "char",
    "batch_size": 4,
    "steps": 12,
    "warmup_steps": 3,
    "learning_rate": 0.02,
    "min_learning_rate": 0.002,
    "eval_interval": 4,
    "precision": "float32",
    "snapshots": 3,
}


class Killed(BaseException):
    """Ends the work at once, as a kill does: nothing is saved and nothing is said."""


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Begin a run of a tiny model, which looks at its orders after every step."""
    monkeypatch.setattr(control, "LOOKS", 0.0)
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")

    def create(name: str, **changes: Any) -> Run:
        model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8, *[0.1] * 3)
        config = TrainingConfig(model=model, data=str(text), **{**USUAL, **changes})
        return Run.create(tmp_path / name, config)

    return create


def at(step: int, act: Callable[[], object]) -> Callable[[dict], None]:
    """Does something once a step is done."""

    def on_step(row: dict) -> None:
        if row["step"] == step:
            act()

    return on_step


def both(*actions: Callable[[dict], None]) -> Callable[[dict], None]:
    def on_step(row: dict) -> None:
        for action in actions:
            action(row)

    return on_step


def die() -> None:
    raise Killed


def curve(run: Run) -> list[tuple]:
    """What a step is known by: equal to the last bit, as the same numbers are added."""
    keys = ("step", "train_loss", "grad_norm", "lr")
    return [tuple(row[key] for key in keys) for row in run.metrics]


@pytest.mark.parametrize(("order", "state"), [(jobs.pause, "paused"), (jobs.stop, "stopped")])
def test_an_order_ends_a_run_with_a_checkpoint_from_which_it_goes_on(begin, order, state):
    unbroken, run = begin("unbroken"), begin("run")
    work(unbroken)
    work(run, on_step=at(4, lambda: order(run)))
    assert jobs.state(run) == state
    assert run.status["last_step"] == run.metrics[-1]["step"] == 5
    assert run.checkpoint(5).is_dir()
    assert run.control == {"command": None}, "it is carried out, so a resume does not obey it"
    work(Run(run.folder))
    assert jobs.state(run) == "done"
    assert curve(run) == curve(unbroken)


def test_a_run_that_waits_for_its_turn_obeys_and_trains_nothing(begin, monkeypatch):
    monkeypatch.setattr(control, "LOOKS", 0.0)
    first, second = begin("first"), begin("second")
    aheads = []

    def order_while_it_waits(ahead: int) -> None:
        aheads.append(ahead)
        assert jobs.state(second) == "queued"
        jobs.pause(second)

    work(first, on_step=at(3, lambda: work(second, on_wait=order_while_it_waits)))
    assert aheads == [0]
    assert (jobs.state(first), jobs.state(second)) == ("done", "paused")
    assert second.metrics == []
    work(second)
    assert curve(second) == curve(first)


def test_a_run_that_is_resumed_by_hand_forgets_an_order_from_before_it_crashed(begin):
    run = begin("run")
    with pytest.raises(Killed):
        work(run, on_step=both(at(5, lambda: jobs.pause(run)), at(5, die)))
    assert jobs.state(run) == "crashed"
    run.update_control({"command": "pause"})
    work(Run(run.folder))
    assert jobs.state(run) == "done"


def test_a_new_rate_scales_the_rest_of_the_schedule(begin):
    run, usual = begin("run"), begin("usual")
    work(usual)
    work(run, on_step=at(6, lambda: jobs.set_learning_rate(run, 0.005)))
    assert jobs.state(run) == "done"
    before, after = curve(run)[:6], curve(run)[6:]
    assert before == curve(usual)[:6]
    for step, _, _, rate in after:
        assert rate == pytest.approx(learning_rate(step - 1, run.config) / 4)
    assert run.rates == [{"step": 6, "learning_rate": 0.005}]
    assert run.config == usual.config, "what was set at first can still be read"


def test_a_resume_follows_the_rates_that_were_chosen_after_its_checkpoint(begin):
    unbroken, killed = begin("unbroken"), begin("killed")
    work(unbroken, on_step=at(6, lambda: jobs.set_learning_rate(unbroken, 0.005)))
    with pytest.raises(Killed):
        work(killed, on_step=both(at(6, lambda: jobs.set_learning_rate(killed, 0.005)), at(7, die)))
    assert killed.status["last_step"] == 4
    work(Run(killed.folder))
    assert curve(killed) == curve(unbroken)


def test_a_rate_that_is_chosen_while_a_run_rests_holds_from_where_it_goes_on(begin):
    run = begin("run")
    work(run, on_step=at(4, lambda: jobs.pause(run)))
    jobs.set_learning_rate(run, 0.04)
    work(run)
    assert run.rates == [{"step": 5, "learning_rate": 0.04}]
    rates = [row["lr"] for row in run.metrics[5:]]
    assert rates == pytest.approx([2 * learning_rate(step, run.config) for step in range(5, 12)])


def test_the_first_rate_can_be_chosen_again(begin):
    run = begin("run")
    work(
        run,
        on_step=both(
            at(4, lambda: jobs.set_learning_rate(run, 0.005)),
            at(8, lambda: jobs.set_learning_rate(run, 0.02)),
        ),
    )
    assert [rate["step"] for rate in run.rates] == [4, 8]
    assert [row["lr"] for row in run.metrics[8:]] == [
        learning_rate(step, run.config) for step in range(8, 12)
    ]


@pytest.mark.parametrize("content", ["{half", "[]", '{"command": "dance", "learning_rate": -1}'])
def test_orders_that_cannot_be_read_are_none(begin, content):
    run, usual = begin("run"), begin("usual")
    work(usual)
    work(run, on_step=at(3, lambda: (run.folder / "control.json").write_text(content)))
    assert jobs.state(run) == "done"
    assert curve(run) == curve(usual)


# So high a rate that the loss soon rises again.
RISING = {"steps": 200, "learning_rate": 0.3, "min_learning_rate": 0.3, "eval_interval": 3}


def test_a_run_ends_when_validation_has_not_improved_for_so_long(begin):
    run = begin("run", **RISING, patience=2)
    work(run)
    losses = [row["val_loss"] for row in run.metrics if "val_loss" in row]
    status = run.status
    assert status["state"] == "done"
    assert status["stopped_early"]
    assert len(run.metrics) < 200
    assert min(losses[-2:]) >= min(losses[:-2])
    for n in range(3, len(losses)):
        assert min(losses[:n][-2:]) < min(losses[:n][:-2]), "it did not end before"
    assert checkpoints.find(str(run.folder)) == run.checkpoint(status["best_step"])
    assert status["best_val_loss"] == min(losses)
    rows = run.metrics
    work(run)
    assert run.metrics == rows, "it is done"


def test_a_stop_in_between_does_not_change_when_patience_ends(begin):
    unbroken, run = begin("unbroken", **RISING, patience=2), begin("run", **RISING, patience=2)
    work(unbroken)
    work(run, on_step=at(2, lambda: jobs.pause(run)))
    work(run)
    assert curve(run) == curve(unbroken)


def test_a_warning_of_an_earlier_part_is_gone_when_the_run_goes_on(begin):
    run = begin("run")
    work(run, on_step=at(3, lambda: jobs.pause(run)))
    run.update_status({"warning": "a sample could not be written"})
    work(run)
    assert not run.status["warning"]


def test_patience_does_not_count_the_lessons_in_copying(begin):
    every = RISING["eval_interval"]
    run = begin("run", **{**RISING, "copy_steps": 6 * every}, patience=2)
    work(run, on_step=at(7 * every, lambda: jobs.pause(run)))
    assert len(run.metrics) > 7 * every, "six validations in lessons ended nothing"
    work(run)
    assert run.status["stopped_early"]
    assert run.metrics[-1]["step"] >= 9 * every, "not before a best one and two that are no better"


def test_without_patience_a_run_goes_on_to_its_last_step(begin):
    run = begin("run", **{**RISING, "steps": 40})
    work(run)
    assert len(run.metrics) == 40
    assert "stopped_early" not in run.status


def test_the_time_of_the_steps_adds_up_and_rests_are_not_counted(begin):
    run = begin("run", accumulation=2)
    work(run, on_step=at(4, lambda: jobs.pause(run)))
    at_the_pause = run.metrics[-1]["seconds"]
    work(run)
    total = 0.0
    for row in run.metrics:
        assert set(row["time"]) == {"data", "forward", "backward", "optimizer", "other"}
        assert all(seconds >= 0 for seconds in row["time"].values())
        total += sum(row["time"].values())
        assert row["seconds"] == pytest.approx(total, abs=1e-4)
        of_the_step = sum(row["time"].values()) - row["time"]["other"]
        assert row["tokens_per_second"] == pytest.approx(4 * 2 * 8 / of_the_step, rel=0.01)
    after = run.metrics[5]
    assert after["seconds"] - at_the_pause == pytest.approx(sum(after["time"].values()), abs=1e-4)


def test_the_status_says_how_far_a_run_is_on_what_and_how_long_a_token_is(begin, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    run = begin("run", eval_interval=100)
    seen = []
    work(run, on_step=lambda row: seen.append(run.status.get("step", 0)))
    assert seen == list(range(12))
    assert run.status["device"] in ("cpu", "cuda", "mps")
    assert run.status["train_bytes_per_token"] == 1.0, "characters of one byte each"
    assert run.status["val_bytes_per_token"] == 1.0


@pytest.mark.parametrize("name", ["status.json", "metrics.jsonl"])
def test_a_run_goes_on_along_the_curve_though_a_file_was_spoilt(begin, name):
    unbroken, run = begin("unbroken"), begin("run")
    work(unbroken)
    work(run, on_step=at(4, lambda: jobs.stop(run)))
    best = run.status["best_step"]
    path = run.folder / name
    path.write_text('{"half' + path.read_text()[6:])
    work(run)
    assert jobs.state(run) == "done"
    assert "error" not in run.status
    found = curve(run)
    assert found == curve(unbroken)[-len(found) :]
    assert len(found) >= 11, "at most the line that was spoilt is lost"
    assert best in (4, 5)
    assert run.status["best_step"] == unbroken.status["best_step"]


def test_an_optimiser_that_cannot_be_read_ends_a_run_in_a_sentence(begin):
    run = begin("run")
    work(run, on_step=at(4, lambda: jobs.stop(run)))
    (run.checkpoint(5) / "optimizer.safetensors").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"optimizer\.safetensors cannot be read .* can still be"):
        work(run)
    assert jobs.state(run) == "failed"
    assert "so the run cannot go on" in run.status["error"]
    assert checkpoints.find(str(run.folder)).is_dir()


def test_what_a_run_writes_is_read_by_tensorboard(begin):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = begin("run")
    with pytest.raises(Killed):
        work(run, on_step=at(7, die))
    work(run)
    events = reader.EventAccumulator(str(run.folder / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    losses = [(event.step, event.value) for event in events.Scalars("loss/train")]
    assert losses == [(row["step"], pytest.approx(row["train_loss"])) for row in run.metrics]
    assert [event.step for event in events.Scalars("loss/validation")] == [4, 8, 12]
