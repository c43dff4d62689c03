"""The training page tells the state of every run, and passes on what a visitor wants of it."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from gptviz import jobs
from gptviz.app.live import look_again
from gptviz.disk import write_json
from gptviz.runs import LIVING, Run, State


def test_a_run_is_renamed_and_deleted_after_a_question(
    config, open_page, press, words, in_address, spawned: list[Run], tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "old", config(tmp_path))
    run.update_status({"state": "stopped"})
    app = open_page(run="old")
    name = "_new_ & [mine](x)"
    app.text_input(key="name_old").set_value(name).run()
    press(app, "Save the name")
    (run,) = jobs.list_runs()
    assert run.name == in_address(app) == name
    assert f"Delete **{name}** with its curve" in words(app)
    app.text_input(key=f"name_{name}").set_value("a/b").run()
    press(app, "Save the name")
    assert "cannot be the name of a run" in app.error[0].value.replace("\\", "")
    press(app, "Delete for good")
    assert not run.folder.exists()
    assert not spawned
    assert "There is no run yet" in words(app)


@pytest.mark.usefixtures("spawned")
def test_a_run_without_a_process_is_shown_as_crashed_and_can_be_resumed(
    config, open_page, words, tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "lost", config(tmp_path))
    run.update_status({"state": "running", "last_step": 20})
    app = open_page(run="lost")
    assert app.selectbox(key="run_choice").options == ["lost   ⚠ crashed"]
    assert "Resume goes on from step 20" in words(app)
    assert "▶ Resume" in [button.label for button in app.button]


@pytest.mark.usefixtures("spawned")
def test_a_failed_run_says_why(config, open_page, tmp_path: Path):
    run = Run.create(tmp_path / "models" / "broken", config(tmp_path))
    run.update_status({"state": "failed", "error": "the loss is nan after 7 steps"})
    app = open_page(run="broken")
    assert "The loss is nan after 7 steps" in app.error[0].value.replace("\\", "")


@pytest.mark.usefixtures("spawned")
def test_a_run_that_waits_says_what_for(config, open_page, press, words, tmp_path: Path):
    run = Run.create(tmp_path / "models" / "waiting", config(tmp_path))
    run.update_status({"state": "queued", "queued_at": 1.0})
    with run.locked():
        app = open_page(run="waiting")
        assert app.selectbox(key="run_choice").options == ["waiting   ◷ queued, the next one"]
        assert "and this one is next" in words(app)
        drawn = [e.proto for e in app.main if e.type == "bidi_component" and "curves_" in e.key]
        (chart,) = drawn
        assert b"It waits for the run that trains now" in chart.bytes
        press(app, "■ Stop")
    assert run.control["command"] == "stop"


@pytest.mark.usefixtures("spawned")
def test_the_learning_rate_of_a_run_can_be_changed_while_it_runs(
    config, open_page, press, tmp_path: Path
):
    run = Run.create(tmp_path / "models" / "live", config(tmp_path))
    run.update_status({"state": "running"})
    with run.locked():
        app = open_page(run="live")
        app.number_input(key="rate_live").set_value(0.0005).run()
        press(app, "Change")
    assert run.control["learning_rate"] == 0.0005


@pytest.mark.parametrize("state", get_args(State))
def test_only_a_run_that_lives_is_looked_at_again_and_again(state: State):
    assert look_again(state, 5.0) == (5.0 if state in LIVING else None)


@pytest.mark.usefixtures("spawned")
def test_the_page_opens_on_the_run_that_trains_or_else_waits_or_else_on_the_newest(
    config, open_page, in_address, tmp_path: Path
):
    names = ("trains", "waits", "done", "newest")
    runs = {name: Run.create(tmp_path / "models" / name, config(tmp_path)) for name in names}
    for i, run in enumerate(runs.values()):
        write_json(run.folder / "about.json", {"created": f"2026-01-0{i + 1}"})
        run.update_status({"state": "done"})
    assert in_address(open_page()) == "newest"
    with runs["waits"].locked(), runs["trains"].locked():
        runs["waits"].update_status({"state": "queued", "queued_at": 1.0})
        assert in_address(open_page()) == "waits"
        runs["trains"].update_status({"state": "running"})
        assert in_address(open_page()) == "trains"
        assert in_address(open_page(run="done")) == "done"


@pytest.mark.parametrize(
    "name", ["my run", "한국", "run#1", "a%b", "v1.0+lr", "n" * 70, "*b* <i> `c`"]
)
def test_a_run_is_opened_by_the_address_whatever_its_folder_is_called(
    open_page, open_app, in_address, trained: Path, tmp_path: Path, monkeypatch, name: str
):
    shutil.copytree(trained / "My first run", tmp_path / name)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    app = open_page(run=name)
    assert app.selectbox(key="run_choice").value == in_address(app) == name
    assert not app.error
    opened = open_app("tokens", model=name, prompt="the king", step="30")
    assert opened.selectbox(key="model").value == name
    assert not opened.error


@pytest.mark.parametrize(
    "name", ["../secret", "..", "/etc", ".hidden", "a/../b", "%2e%2e/x", "x\n"]
)
def test_no_address_leads_to_what_is_not_listed(
    open_page, open_app, trained: Path, tmp_path: Path, monkeypatch, name: str
):
    (tmp_path / "models").mkdir()
    for folder in ("secret", "models/b", "models/.hidden", "models/x\n"):
        shutil.copytree(trained / "My first run", tmp_path / folder)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    app = open_page(run=name)
    assert app.selectbox(key="run_choice").options == ["b   ✓ done"]
    assert app.selectbox(key="run_choice").value is None
    assert "There is no run" in app.error[0].value
    app.run()
    assert "There is no run" in app.error[0].value, "until one is chosen"
    app.selectbox(key="run_choice").set_value("b").run()
    assert not app.error
    assert open_app("tokens", model=name).selectbox(key="model").value == "b"


def test_a_run_that_is_done_is_given_more_steps(
    open_page, press, words, spawned: list[Run], trained: Path, tmp_path: Path
):
    run = Run(shutil.copytree(trained / "My first run", tmp_path / "models" / "mine"))
    app = open_page(run="mine")
    assert "It has passed its text 0.85 times." in words(app)  # 30 steps of 4 × 16, of 2,268
    assert app.number_input(key="more_mine").value == 60
    assert "up to step 30; from there on the rate keeps its last value, 0.0001." in words(app)
    app.number_input(key="more_mine").set_value(30).run()
    press(app, "Go on")
    assert "Mine has taken 30 steps and steps is 30" in app.error[0].value.replace("\\", "")
    app.number_input(key="more_mine").set_value(75).run()
    press(app, "Go on")
    assert not app.error
    assert [one.config.steps for one in spawned] == [75]
    assert Run(run.folder).config.decay_steps == 30
    assert "of 2.1 times in all" in words(open_page(run="mine"))
