"""On the training page, runs are compared, and those of an experiment or a lesson are begun."""

from dataclasses import replace
from pathlib import Path

import pytest

from gptviz.disk import append_row
from gptviz.runs import Run
from gptviz.training import repeats


@pytest.mark.usefixtures("root")
def test_runs_are_compared_over_steps_tokens_or_time(open_page, figures):
    app = open_page(run="My first run", runs_tab="compare")
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "step"
    app.selectbox(key="compared_by").set_value("tokens").run()
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "tokens read"
    assert app.dataframe[-1].value["run"].tolist() == ["My first run"]


@pytest.mark.usefixtures("root")
def test_what_runs_are_laid_over_is_in_the_address(open_page, figures):
    app = open_page(run="My first run", runs_tab="compare", compared_by="seconds")
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "seconds of training"
    app = open_page(run="My first run", runs_tab="compare", compared_by="banana")
    (chart,) = figures(app)
    assert chart["layout"]["xaxis"]["title"]["text"] == "step"


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("axis", ["step", "tokens"])
def test_a_run_whose_settings_cannot_be_read_is_named_and_the_others_are_compared(
    open_page, figures, axis: str
):
    app = open_page(run="My first run", runs_tab="compare")
    app.selectbox(key="compared_by").set_value(axis).run()
    assert not app.exception
    assert set(app.multiselect(key="compared").value) == {"My first run", "Foreign"}
    (problem,) = app.error
    assert problem.value.startswith("Foreign is left out")
    assert app.dataframe[-1].value["run"].tolist() == ["My first run"]
    (chart,) = figures(app)
    assert {line["name"] for line in chart["data"]} >= {"My first run"}
    app.multiselect(key="compared").set_value(["Foreign"]).run()
    assert not app.exception
    assert not figures(app)


def test_an_experiment_queues_a_run_for_each_variant(open_page, press, spawned: list[Run]):
    app = open_page(runs_tab="experiments")
    app.multiselect(key="variants").set_value(["baseline", "double-rate"]).run()
    press(app, "Queue them")
    baseline, double = (run.config for run in spawned)
    assert double == replace(
        baseline,
        learning_rate=2 * baseline.learning_rate,
        min_learning_rate=2 * baseline.min_learning_rate,
    )
    assert app.dataframe[0].value["variant"].tolist() == ["baseline", "twice the rate"]


def test_six_schedules_are_queued_from_an_address(open_page, press, spawned: list[Run]):
    app = open_page(runs_tab="experiments", vary="schedules")
    press(app, "Queue them")
    assert [run.config.schedule for run in spawned] == [
        *("constant", "linear", "cosine", "step", "linear", "cosine")
    ]
    assert "stairs" in app.dataframe[0].value["variant"].tolist()


def test_the_code_of_a_ranking_makes_its_numbers(
    open_page, press, spawned: list[Run], assert_codes_make_the_numbers
):
    press(open_page(runs_tab="experiments"), "Queue them")
    for i, run in enumerate(spawned):
        row = {"step": 1, "train_loss": 9.5, "val_loss": 9.0 - i, "seconds": 1.0}
        append_row(run.folder / "metrics.jsonl", {**row, "lr": 0.1})
        run.update_status({"state": "done"})
    open_page(runs_tab="experiments")
    assert_codes_make_the_numbers({"ranking", "experiment_curves"})


def test_a_failure_is_run_beside_a_run_that_goes_well(
    open_page, press, words, figures, spawned: list[Run]
):
    app = open_page(runs_tab="failures")
    app.pills(key="failure").set_value("no-positions").run()
    assert "which ones came before" in words(app)
    press(app, "Run it beside one that goes well")
    failure, well = (run.config for run in spawned)
    assert failure == replace(well, model=replace(well.model, position="none"))
    assert not figures(app), "an axis would claim numbers that nobody has measured"
    assert "There will be curves here after the first step." in words(app)
    for run in spawned:
        append_row(run.folder / "metrics.jsonl", {"step": 1, "train_loss": 4.0})
    (chart,) = figures(app.run())
    assert {"No positions", "As it should be"} <= {line["name"] for line in chart["data"]}


def test_the_induction_lesson_is_one_click_away(open_page, press, spawned: list[Run]):
    app = press(open_page(runs_tab="induction-lesson"), "Run it")
    (run,) = spawned
    assert run.config.model.n_layer == 2
    text = Path(run.config.data).read_text(encoding="utf-8")
    assert text.startswith(repeats.text(len(text))[:1000])
    assert app.selectbox(key="run_choice").value == run.id
    assert "Run it again" in [button.label for button in app.button]
