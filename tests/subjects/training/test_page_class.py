"""What a visitor of a class may train, and the sentence where it is too much."""

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.app import visitors
from gptviz.app.limits import Limits
from gptviz.app.visitors import Rules, Visitor
from gptviz.disk import write_json
from gptviz.runs import Run
from gptviz.subjects.training import rights
from gptviz.subjects.training.text import Text
from gptviz.training import data, kept

PUPIL, TEACHER = Visitor("a" * 16), Visitor("c" * 16, is_trusted=True)


@pytest.fixture
def comes(monkeypatch: pytest.MonkeyPatch):
    """Let a browser come to a class with these limits."""

    def come(visitor: Visitor, **limits: object) -> None:
        monkeypatch.setattr(visitors, "here", lambda: visitor)
        monkeypatch.setattr(visitors, "_rules", Rules(is_shared=True, limits=Limits(**limits)))

    return come


def said(app) -> str:
    found = [*app.main.error, *app.main.info, *app.main.caption]
    return " ".join(element.value for element in found).replace("\\", "")


def can_start(app) -> bool:
    return any(button.key == "start" and not button.disabled for button in app.button)


def test_a_visitor_has_one_run_that_is_not_finished(comes, open_page, press, spawned):
    comes(PUPIL)
    press(open_page(), "Start")
    (first,) = spawned
    with first.locked():
        app = open_page()
        assert f"Your run '{first.name}' is not finished, and each visitor" in said(app)
        assert not can_start(app)
        with pytest.raises(ValueError, match="may have one such run; wait"):
            rights.start(first.config, "another")
        comes(Visitor("b" * 16))
        assert can_start(open_page())
        comes(TEACHER)
        assert can_start(open_page())
        comes(PUPIL)
        first.update_status({"state": "paused"})
    assert "is not finished" in said(open_page())
    first.update_status({"state": "done"})
    assert can_start(open_page())


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_steps": 1999}, "This run takes 2,000 steps, and visitors of this class train for "
         "up to 1,999; set fewer steps, or ask the teacher."),
        ({"max_parameters": 811_519}, "This run's model has 811,520 parameters, and visitors of "
         "this class train up to 811,519; choose a smaller size, or ask the teacher."),
        ({"max_tokens": 767}, "A step of this run reads 768 tokens, and visitors of this class "
         "read up to 767; choose a smaller batch or context, or ask the teacher."),
        ({"training": False}, "Visitors of this class watch runs and start none; ask the teacher"),
    ],
)  # fmt: skip
def test_what_is_too_much_is_said_with_what_came_what_is_allowed_and_the_way_out(
    comes, open_page, press, spawned, limits, words
):
    comes(TEACHER, **limits)
    app = open_page()
    comes(PUPIL, **limits)
    press(app, "Start")  # as it was drawn for somebody else
    assert words in said(app)
    assert not can_start(app)
    assert not spawned
    comes(TEACHER, **limits)
    assert can_start(app.run())


def test_the_usual_run_is_within_the_usual_limits(comes, open_page):
    comes(PUPIL)
    assert can_start(open_page())


def test_several_runs_at_once_are_for_the_teacher(comes, open_page, press, spawned):
    comes(TEACHER)
    app = open_page(runs_tab="experiments")
    comes(PUPIL)
    press(app, "Queue them")
    assert "This starts 2 runs at once, and each visitor of this class may have one" in said(app)
    assert not spawned
    press(open_page(runs_tab="failures"), "Run it beside one that goes well")
    assert len(spawned) == 1
    assert spawned[0].owner == PUPIL.id


def test_without_training_no_way_leads_to_a_run(comes, open_page, press, config, spawned, tmp_path):
    mine = Run.create(tmp_path / "models" / "mine", config(tmp_path), owner=PUPIL.id)
    mine.update_status({"state": "stopped"})
    comes(PUPIL, training=False)
    for tab in ("failures", "induction-lesson", "experiments"):
        app = open_page(run="mine", runs_tab=tab)
        pressable = {button.label for button in app.button if not button.disabled}
        assert not pressable & {"Start", "Run it beside one that goes well", "Run it", "Queue them"}
        press(app, "▶ Resume")
        assert "Visitors of this class watch runs and start none" in said(app)
    assert not spawned


def test_a_run_goes_on_within_the_limits_only(comes, open_page, press, config, spawned, tmp_path):
    comes(PUPIL)
    runs = []
    for name, steps in (("long", 30), ("other", 10)):
        settings = replace(config(tmp_path), steps=steps, warmup_steps=1)
        runs.append(Run.create(tmp_path / "models" / name, settings, owner=PUPIL.id))
        runs[-1].update_status({"state": "stopped"})
    comes(PUPIL, max_steps=20)
    assert "takes 30 steps" in said(press(open_page(run="long"), "▶ Resume"))
    with runs[0].locked():
        runs[0].update_status({"state": "running"})
        assert "not finished" in said(press(open_page(run="other"), "▶ Resume"))
    assert not spawned
    runs[0].update_status({"state": "stopped"})
    press(open_page(run="other"), "▶ Resume")
    assert [run.id for run in spawned] == ["other"]


def test_two_pages_of_one_visitor_that_start_at_once_start_one_run(
    comes, config, monkeypatch, tmp_path
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    monkeypatch.setattr(jobs, "launch", lambda run: run.update_status({"state": "paused"}))
    comes(PUPIL)
    settings, refused = config(tmp_path), []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait(60)
        try:
            rights.start(settings, "mine")
        except ValueError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(jobs.list_runs()) == 1
    assert len(refused) == 7
    assert all("not finished" in words for words in refused)


def test_texts_of_one_s_own_are_learnt_from_only_where_the_teacher_allows_it(
    comes, open_page, spawned
):
    mine = "the king and the queen speak to the fool. " * 60
    comes(PUPIL, uploads=True)
    app = open_page()
    assert app.selectbox(key="new_text").options == ["Shakespeare", "A text file", "A pasted text"]
    app.selectbox(key="new_text").set_value("pasted").run()
    app.text_area(key="new_pasted").set_value(mine).run()
    comes(PUPIL)
    app.run()
    assert app.selectbox(key="new_text").options == ["Shakespeare"]
    assert rights.NO_UPLOADS_HERE in said(app)
    sent = Text("mine", mine.encode(), data.check(mine.encode(), "char", 256, False))
    with pytest.raises(ValueError, match=r"a text of your own came, .* or ask the teacher"):
        sent.stored()
    assert not kept.texts()
    assert not spawned
    comes(TEACHER)
    assert [Path(sent.stored())] == [one.path for one in kept.texts()]


def test_a_visitor_gives_a_run_no_more_steps_than_are_allowed(
    comes, open_page, press, spawned, trained: Path, tmp_path: Path
):
    run = Run(shutil.copytree(trained / "My first run", tmp_path / "models" / "mine"))
    write_json(run.folder / "about.json", {"owner": PUPIL.id})
    comes(PUPIL, max_steps=50)
    app = press(open_page(run="mine"), "Go on")  # to 60
    assert "This run takes 60 steps, and visitors of this class train for up to 50" in said(app)
    comes(Visitor("b" * 16))
    with pytest.raises(ValueError, match="is not changed"):
        rights.lengthen(run, 40, 0)
    comes(PUPIL, max_steps=60)
    press(app, "Go on")
    assert [one.config.steps for one in spawned] == [60]
