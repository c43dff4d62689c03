"""The training page tells the state of every run, and passes on what a visitor wants of it."""

from pathlib import Path
from typing import get_args

import pytest

from gptviz.training.runs import LIVING, Run, State
from gptviz.ui.training_live import look_again


def test_a_run_is_renamed_and_deleted_after_a_question(
    config, open_page, press, words, spawned: list[Run], tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "old", config(tmp_path), "old")
    run.update_status({"state": "stopped"})
    app = open_page(run="old")
    app.text_input(key="name_old").set_value("<b>new</b>").run()
    press(app, "Save the name")
    assert run.name == "<b>new</b>"
    assert "Delete **<b>new</b>**" in words(app)
    press(app, "Delete for good")
    assert not run.folder.exists()
    assert not spawned
    assert "There is no run yet" in words(app)


@pytest.mark.usefixtures("spawned")
def test_a_run_without_a_process_is_shown_as_crashed_and_can_be_resumed(
    config, open_page, words, tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "lost", config(tmp_path), "lost")
    run.update_status({"state": "running", "last_step": 20})
    app = open_page(run="lost")
    assert app.selectbox(key="run_choice").options == ["lost   ⚠ crashed"]
    assert "Resume goes on from step 20" in words(app)
    assert "▶ Resume" in [button.label for button in app.button]


@pytest.mark.usefixtures("spawned")
def test_a_failed_run_says_why(config, open_page, tmp_path: Path):
    run = Run.create(tmp_path / "models" / "broken", config(tmp_path), "broken")
    run.update_status({"state": "failed", "error": "the loss is nan after 7 steps"})
    app = open_page(run="broken")
    assert "The loss is nan after 7 steps" in app.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("spawned")
def test_a_run_that_waits_says_how_many_are_before_it(config, open_page, press, tmp_path: Path):
    run = Run.create(tmp_path / "models" / "waiting", config(tmp_path), "waiting")
    run.update_status({"state": "queued", "queued_at": 1.0})
    with run.locked():
        app = open_page(run="waiting")
        assert app.selectbox(key="run_choice").options == ["waiting   ◷ queued, 0 before it"]
        press(app, "■ Stop")
    assert run.control["command"] == "stop"


@pytest.mark.usefixtures("spawned")
def test_the_learning_rate_of_a_run_can_be_changed_while_it_runs(
    config, open_page, press, tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "live", config(tmp_path), "live")
    run.update_status({"state": "running"})
    with run.locked():
        app = open_page(run="live")
        app.number_input(key="rate_live").set_value(0.0005).run()
        press(app, "Change")
    assert run.control["learning_rate"] == 0.0005


@pytest.mark.parametrize("state", get_args(State))
def test_only_a_run_that_lives_is_looked_at_again_and_again(state: State):
    assert (look_again(state) is not None) == (state in LIVING)
