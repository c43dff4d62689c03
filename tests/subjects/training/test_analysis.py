"""The tables behind a run's pictures hold what the run recorded."""

import math
from pathlib import Path

import numpy as np
import pytest

from gptviz.disk import append_row, rows
from gptviz.runs import Run
from gptviz.runs.compare import Curve
from gptviz.subjects.gradients import analysis as gradients
from gptviz.subjects.induction.birth_analysis import scores_over_steps
from gptviz.subjects.training import analysis as training
from gptviz.training.config import TrainingConfig


@pytest.fixture
def run(finished_run: Path) -> Run:
    return Run(finished_run)


@pytest.fixture
def unbegun(run: Run, tmp_path: Path) -> Run:
    return Run.create(tmp_path / "unbegun", TrainingConfig.from_dict(run.settings))


def test_the_metrics_have_a_row_a_step(run):
    table, told = training.metrics(run), rows(run.folder / "metrics.jsonl")
    assert table["step"].tolist() == list(range(1, 31))
    assert table["train_loss"].tolist() == [row["train_loss"] for row in told]
    assert table["backward"].tolist() == [row["time"]["backward"] for row in told]


def test_what_is_to_come_is_the_rest_of_the_schedule_from_the_rate_of_the_last_step(unbegun: Run):
    assert not len(training.to_come(unbegun)), "no step, nothing to go on from"
    config = unbegun.config  # 30 steps, 5 of them warm-up; along a cosine from 0.02 to 0.01
    rate = lambda step: 0.01 + 0.005 * (1 + math.cos(math.pi * (step - 5) / 25))  # noqa: E731
    for step in range(1, 11):
        row = {"step": step, "train_loss": 3.0, "lr": rate(step - 1) / 2 if step > 6 else 0.02}
        append_row(unbegun.folder / "metrics.jsonl", row)
    table = training.to_come(unbegun)
    assert table["step"].tolist() == list(range(10, config.steps + 1))
    wanted = [rate(step - 1) / 2 for step in range(10, 31)]  # halved by hand
    np.testing.assert_allclose(table["rate"], wanted, rtol=1e-9)


def test_nothing_is_to_come_for_a_run_that_has_taken_all_its_steps(run: Run):
    assert not len(training.to_come(run))


def test_losses_of_two_runs_stand_below_each_other_by_name():
    x = np.array([1.0, 2.0, 3.0])
    one = Curve("one", x, 4 - x, x[1:2], np.array([2.5]))
    table = training.losses([one, Curve("two", x[:1], x[:1], x[:0], x[:0])], "tokens")
    assert table.columns.tolist() == ["run", "tokens", "train_loss", "val_loss"]
    assert table["run"].tolist() == ["one"] * 3 + ["two"]
    assert table["tokens"].tolist() == [1, 2, 3, 1]
    assert table["val_loss"].fillna(-1).tolist() == [-1, 2.5, -1, -1]


@pytest.mark.parametrize("measure", ["grad_norm", "weight_norm", "update_ratio"])
def test_norms_have_a_row_a_measured_step_and_a_column_a_part(run, measure: str):
    table, told = gradients.norms(run, measure), rows(run.folder / "layers.jsonl")
    assert table["step"].tolist() == [row["step"] for row in told]
    for row, norms in zip(told, table.drop(columns="step").to_dict("records"), strict=True):
        assert norms == row[measure]


def test_a_parameter_s_spread_compares_now_with_the_start():
    table = gradients.spread(np.array([[1.0, 3.0]]), np.array([[0.0, 0.0]]), first=0)
    spread = table.set_index("of the numbers")
    assert spread.loc["mean"].tolist() == [2.0, 0.0]
    assert spread.columns.tolist() == ["now", "step 0"]


def test_each_head_has_its_score_at_each_snapshot(run):
    table, told = scores_over_steps(run), rows(run.folder / "induction.jsonl")
    assert table["step"].tolist() == [row["step"] for row in told]
    for layer, head in np.ndindex(2, 2):
        scores = [row["scores"][layer][head] for row in told]
        assert table[f"L{layer} H{head}"].tolist() == scores
    assert table["loss, second time"].tolist() == [row["loss_second"] for row in told]


def test_a_run_that_has_not_begun_has_tables_without_rows(unbegun):
    assert training.metrics(unbegun).empty
    assert gradients.norms(unbegun, "grad_norm").empty
    assert scores_over_steps(unbegun).empty
