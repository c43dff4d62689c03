"""A run is changed by the browser that started it and by the teacher's, and by nobody else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gptviz import jobs
from gptviz.app import visitors
from gptviz.app.limits import Limits
from gptviz.app.visitors import Rules, Visitor
from gptviz.jobs import build_up, experiments
from gptviz.runs import Run
from gptviz.subjects.training import rights, runs
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data, kept

OWNER, OTHER, TEACHER = Visitor("a" * 16), Visitor("b" * 16), Visitor("c" * 16, is_trusted=True)
CHANGING = {"‖ Pause", "■ Stop", "Change", "▶ Resume", "Save the name", "Delete for good"}
Comes = Callable[[Visitor], None]


@pytest.fixture
def comes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a browser come to a server that others reach, too; to a class if there are limits."""

    def come(visitor: Visitor, limits: Limits | None = None) -> None:
        monkeypatch.setattr(visitors, "here", lambda: visitor)
        monkeypatch.setattr(visitors, "_rules", Rules(is_shared=True, limits=limits))

    return come


@pytest.fixture
def same_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest presses nothing where a label has changed since the page was drawn."""
    monkeypatch.setattr(runs, "YOURS", "")


@pytest.fixture
def run(config, spawned, tmp_path: Path) -> Run:  # noqa: ARG001 - so that nothing is trained
    return Run.create(tmp_path / "models" / "theirs", config(tmp_path), owner=OWNER.id)


def buttons(app) -> set[str]:
    return {button.label for button in app.button if not button.disabled}


def said(app) -> str:
    found = [*app.main.error, *app.main.info, *app.main.caption]
    return " ".join(element.value for element in found).replace("\\", "")


@pytest.mark.parametrize("state", ["running", "stopped"])
@pytest.mark.parametrize(
    ("visitor", "owner", "may"),
    [
        (OWNER, OWNER.id, True),
        (TEACHER, OWNER.id, True),
        (OTHER, OWNER.id, False),
        (Visitor(), OWNER.id, False),
        (TEACHER, "", True),
        (OTHER, "", False),
        (Visitor(), "", False),
    ],
)
def test_who_may_not_change_a_run_sees_no_button_for_it_and_one_sentence(
    comes, open_page, config, spawned, tmp_path, state, visitor, owner, may
):
    run = Run.create(tmp_path / "models" / "one", config(tmp_path), owner=owner)
    run.update_status({"state": state})
    comes(visitor)
    with run.locked():
        app = open_page(run="one")
    assert bool(buttons(app) & CHANGING) == may
    assert "Clone settings" in buttons(app)
    sentence = rights.NOT_YOURS if owner else rights.NOT_A_BROWSER_S
    assert (f"This run: {sentence}." in said(app)) != may
    yours = app.selectbox(key="run_choice").options[0].endswith(" · yours")
    assert yours == (bool(owner) and visitor.id == owner)
    assert not spawned


@pytest.mark.usefixtures("same_labels")
@pytest.mark.parametrize(
    ("label", "state"),
    [
        ("‖ Pause", "running"),
        ("■ Stop", "running"),
        ("Change", "running"),
        ("▶ Resume", "stopped"),
        ("Save the name", "stopped"),
        ("Delete for good", "stopped"),
    ],
)
def test_a_button_that_was_drawn_for_the_owner_does_nothing_for_another(
    comes: Comes, open_page, press, run, spawned, label, state
):
    run.update_status({"state": state})
    before = (run.folder / "about.json").read_bytes()
    comes(OWNER)
    with run.locked():
        app = open_page(run="theirs")
        if state == "running":
            app.number_input(key="rate_theirs").set_value(5.0).run()
        else:
            app.text_input(key="name_theirs").set_value("mine").run()
        comes(OTHER)
        press(app, label)
    assert "The run 'theirs' is not changed: it belongs to another browser" in said(app)
    assert run.control == {}
    assert run.status["state"] == state
    assert (run.folder / "about.json").read_bytes() == before
    assert not spawned


@pytest.mark.usefixtures("same_labels")
def test_another_run_in_the_folder_of_one_s_own_is_another_s(comes, open_page, press, run, config):
    run.update_status({"state": "stopped"})
    comes(OWNER)
    app = open_page(run="theirs")
    jobs.delete(run)
    Run.create(run.folder, config(run.folder.parent), owner=OTHER.id)
    Run(run.folder).update_status({"state": "stopped"})
    press(app, "Delete for good")
    assert "is not changed" in said(app)
    assert run.folder.exists()


def test_others_watch_and_clone_and_the_clone_is_theirs(
    comes: Comes, open_page, press, run, spawned
):
    run.update_status({"state": "stopped"})
    comes(OTHER)
    app = open_page(run="theirs")
    press(app, "Clone settings")
    press(app, "Start")
    (made,) = spawned
    assert made.config.steps == run.config.steps
    assert (made.owner, run.owner) == (OTHER.id, OWNER.id)
    assert "owner" not in made.settings


@pytest.mark.usefixtures("same_labels")
def test_more_steps_are_given_by_the_owner_and_within_what_a_class_may(
    comes: Comes, open_page, press, run, spawned
):
    run.update_status({"state": "done", "last_step": 30})
    comes(OTHER)
    assert "Go on" not in buttons(open_page(run="theirs"))
    comes(OWNER)
    app = open_page(run="theirs")
    comes(OTHER)
    press(app, "Go on")
    assert "The run 'theirs' is not changed: it belongs to another browser" in said(app)
    comes(OWNER, Limits(max_steps=59))
    press(app.run(), "Go on")
    assert "This run takes 60 steps, and visitors of this class train for up to 59" in said(app)
    assert (run.status["state"], Run(run.folder).settings["steps"]) == ("done", 30)
    assert not spawned
    comes(OWNER, Limits(max_steps=60))
    press(app.run(), "Go on")
    assert [longer.config.steps for longer in spawned] == [60]


@pytest.mark.parametrize(("key", "state"), [("resume_all", "stopped"), ("stop_all", "running")])
def test_a_family_is_stopped_and_goes_on_by_its_owner_only(
    comes: Comes, open_app, config, spawned, tmp_path, monkeypatch, key, state
):
    settings = dict.fromkeys(("1 × 16", "1 × 24"), config(tmp_path))
    family = experiments.start("Scaling", settings, owner=OWNER.id)
    monkeypatch.setattr(jobs, "state", lambda run: state)
    spawned.clear()
    comes(OTHER)
    assert open_app("scaling", tab="train", family=family.id).button(key=key).disabled
    comes(OWNER)
    app = open_app("scaling", tab="train", family=family.id)
    assert not app.button(key=key).disabled
    comes(OTHER)
    app.button(key=key).click().run()
    assert "is not changed: it belongs to another browser" in said(app)
    assert not spawned
    assert not any(run.control for run in family.runs.values())


def test_a_series_is_stopped_by_its_owner_only(comes: Comes, open_app, spawned, monkeypatch):
    comes(OWNER)
    made = experiments.start_presets("Built", build_up.STAGES[:2], SHAKESPEARE, owner=OWNER.id)
    monkeypatch.setattr(jobs, "state", lambda run: "running")
    app = open_app("build_up")
    comes(OTHER)
    app.button(key="train_stages_stop").click().run()
    assert not any(run.control for run in made.runs.values())
    there = {button.key for button in open_app("build_up").button}
    assert "train_stages_stop" not in there
    assert len(spawned) == 2


@pytest.mark.parametrize(
    ("page", "tab", "key"), [("scaling", "train", "train_family"), ("build_up", "", "train_stages")]
)
def test_a_visitor_of_a_class_starts_no_family(comes: Comes, open_app, spawned, page, tab, key):
    comes(TEACHER, Limits())
    app = open_app(page, **{"tab": tab} if tab else {})
    comes(OTHER, Limits())
    app.button(key=key).click().run()
    assert app.button(key=key).disabled
    assert "runs at once, and each visitor of this class may have one" in said(app)
    assert not spawned


def test_the_owner_stays_with_a_run_that_is_renamed(comes: Comes, open_page, press, run):
    run.update_status({"state": "stopped"})
    comes(OWNER)
    app = open_page(run="theirs")
    app.text_input(key="name_theirs").set_value("mine").run()
    press(app, "Save the name")
    (renamed,) = jobs.list_runs()
    assert (renamed.id, renamed.owner) == ("mine", OWNER.id)


def test_experiments_and_ready_made_runs_belong_to_who_starts_them(
    comes: Comes, open_page, press, spawned
):
    comes(OTHER)
    press(open_page(runs_tab="experiments"), "Queue them")
    press(open_page(runs_tab="failures"), "Run it beside one that goes well")
    assert len(spawned) == 7
    assert {run.owner for run in spawned} == {OTHER.id}


@pytest.mark.parametrize("owner", ["", 7, None, ["a" * 16], {"id": "a" * 16}])
def test_a_run_whose_owner_cannot_be_read_is_nobody_s(comes: Comes, run, owner):
    comes(OWNER)
    about = run.folder / "about.json"
    for broken in (f'{{"owner": {owner!r}}}'.replace("'", '"').replace("None", "null"), "{", ""):
        about.write_text(broken)
        assert run.owner == ""
        assert rights.why_not_change(run) == rights.NOT_A_BROWSER_S
    about.unlink()
    assert rights.why_not_change(run)


def test_who_is_alone_with_the_machine_notices_nothing(open_page, press, run, spawned):
    run.update_status({"state": "stopped"})
    app = open_page(run="theirs")
    assert CHANGING & buttons(app) == {"▶ Resume", "Save the name", "Delete for good"}
    assert "belongs" not in said(app)
    assert app.selectbox(key="run_choice").options == ["theirs   ■ stopped"]
    press(app, "Start")
    assert spawned[-1].owner == ""


def test_a_browser_without_cookies_starts_nothing(comes: Comes, open_page, spawned):
    comes(Visitor())
    app = open_page()
    assert "This browser keeps no cookie of gptviz" in said(app)
    assert "Start" not in buttons(app)
    assert not spawned


def test_texts_that_were_sent_are_deleted_by_the_teacher_only(
    comes: Comes, open_page, press, spawned
):
    stored = data.store(b"the king and the queen. " * 60, "mine")
    comes(TEACHER)
    app = open_page()
    app.toggle(key="kept_texts").set_value(True).run()
    comes(OTHER)
    press(app, "Delete for good")
    assert "Only the teacher's browser deletes them" in said(app)
    assert "A kept text is deleted by the teacher's browser only" in said(app)
    assert stored.exists()
    assert "Delete for good" not in buttons(app)
    comes(TEACHER)
    press(app.run(), "Delete for good")
    assert not kept.texts()
    assert not spawned
