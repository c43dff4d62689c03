"""A run that has ended is given more steps or more patience, and its old curve stays as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gptviz import jobs
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.runs.longer import lengthen
from gptviz.training import patience
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import learning_rate
from gptviz.training.record import metrics

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
USUAL: dict[str, Any] = {
    "batch_size": 4,
    "steps": 12,
    "warmup_steps": 3,
    "learning_rate": 0.02,
    "min_learning_rate": 0.002,
    "eval_interval": 4,
    "precision": "float32",
    "snapshots": 3,
}
# So high a rate that the loss soon rises again.
RISING = {"steps": 60, "learning_rate": 0.3, "min_learning_rate": 0.3, "eval_interval": 3}


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Run]:
    """Begin a run of a tiny model."""
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")

    def create(name: str, **changes: Any) -> Run:
        model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8, *[0.1] * 3)
        config = TrainingConfig(model=model, data=str(text), **{**USUAL, **changes})
        return Run.create(tmp_path / name, config)

    return create


def curve(run: Run) -> list[tuple]:
    keys = ("step", "train_loss", "grad_norm", "lr")
    return [tuple(row[key] for key in keys) for row in run.metrics]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "step", "constant"])
def test_it_follows_the_curve_of_a_run_that_was_planned_so(begin, schedule):
    run, planned = (
        begin("run", schedule=schedule),
        begin("planned", schedule=schedule, steps=20, decay_steps=12),
    )
    work(run)
    before = curve(run)
    run = lengthen(run, steps=20)
    assert run.status["state"] == "stopped"
    work(run)
    work(planned)
    assert run.config == planned.config
    assert curve(run) == curve(planned)
    assert curve(run)[:12] == before
    rates = {row["lr"] for row in run.metrics[12:]}
    assert rates == {learning_rate(12, planned.config)}, "it stays at the last one"
    assert run.status["state"] == "done"


def test_a_second_time_the_schedule_keeps_its_first_end(begin):
    run = begin("run")
    work(run)
    run = lengthen(lengthen(run, steps=20), steps=30)
    assert (run.config.steps, run.config.decay_steps) == (30, 12)


def test_a_run_that_was_still_warming_up_falls_over_all_its_steps(begin):
    run = begin("run", warmup_steps=50)
    work(run)
    assert lengthen(run, steps=200).config.decay_steps == 0


def test_a_stopped_run_can_be_given_more_or_fewer_steps(begin):
    run, taken = begin("run"), []
    work(run, on_step=taken.append, should_stop=lambda: len(taken) == 5)
    before = curve(run)
    work(lengthen(run, steps=8))
    whole = begin("whole")
    work(whole)
    assert curve(run) == curve(whole)[:8]
    assert before == curve(whole)[: len(before)]


def test_a_run_that_ended_early_goes_on_with_more_patience(begin):
    run = begin("run", **RISING, patience=2)
    work(run)
    ended = run.metrics[-1]["step"]
    assert run.status["stopped_early"]
    with pytest.raises(ValueError, match=r"ended early: 2 validations in a row .* above 2, or 0"):
        lengthen(run, steps=90)
    assert run.config.steps == Run(run.folder).config.steps == 60, "nothing has changed"
    run = lengthen(run, patience=4)
    assert not run.status["stopped_early"]
    work(run)
    whole = begin("whole", **RISING, patience=4)
    work(whole)
    assert curve(run) == curve(whole)
    assert run.metrics[-1]["step"] > ended


@pytest.mark.parametrize("steps", [0, 11, 12])
def test_steps_that_are_taken_already_are_refused(begin, steps):
    run = begin("run")
    work(run)
    with pytest.raises(ValueError, match=r"steps is|has taken 12 steps"):
        lengthen(run, steps=steps)
    assert Run(run.folder).config.steps == 12
    with pytest.raises(ValueError, match="has taken 12 steps and steps is 12"):
        lengthen(run)


def test_a_run_that_trains_is_not_changed(begin):
    run = begin("run")
    with run.locked(), pytest.raises(ValueError, match="trained by another process"):
        lengthen(run, steps=20)


def test_a_page_has_it_trained_on_at_once(begin, monkeypatch):
    launched: list[Run] = []
    monkeypatch.setattr(jobs, "launch", launched.append)
    run = begin("run")
    work(run)
    jobs.lengthen(run, 20, 0)
    (again,) = launched
    assert again.config.steps == 20
    with pytest.raises(ValueError, match="give it more than 12"):
        jobs.lengthen(run, 12, 0)


def test_patience_is_told_while_it_lasts_and_when_it_ran_out(begin):
    run = begin("run", **RISING, patience=2)
    assert patience.waits(run) == ("it ends after 2 validations in a row without a new best")
    assert not patience.ended_early(run)
    said: list[str] = []
    work(run, on_step=lambda _: said.append(patience.waits(run)))
    assert "1 of 2 validations in a row without a new best, after which it ends" in said
    losses = {row["step"]: row["val_loss"] for row in run.metrics if "val_loss" in row}
    best = min(losses, key=losses.__getitem__)
    assert patience.ended_early(run) == (
        f"ended early: 2 validations in a row brought no new best, and the best one, "
        f"{losses[best]:.4f} at step {best}, is kept"
    )
    assert best in run.checkpoints


@pytest.mark.parametrize(
    ("losses", "waited"),
    [([], 0), ([3.0], 0), ([3.0, 2.0], 0), ([2.0, 3.0], 1), ([2.0, 2.0, 2.0], 2), ([3, 1, 2], 1)],
)
def test_what_is_no_better_than_the_best_before_it_is_waited_for(losses, waited):
    assert patience.since_best(losses) == waited
    assert not patience.is_used_up(losses, 0)
    assert patience.is_used_up(losses, 1) == (waited >= 1)


def test_lessons_in_copying_and_stops_are_not_waited_for(begin):
    config = begin("run", copy_steps=4).config
    columns = {"step": [4, 8, 9, 12], "val_loss": [1.0, 3.0, 2.0, 3.5]}
    course = metrics.History({name: metrics.np.array(v) for name, v in columns.items()})
    assert patience.waited(course, config) == 1, "only 8 and 12 count"
