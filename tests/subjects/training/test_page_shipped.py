"""The training page with what ships with gptviz: all is there to see, and nothing changes it."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import disk, jobs
from gptviz.disk import append_row, write_json
from gptviz.jobs import shipping
from gptviz.jobs.failures import FAILURES, LESSON
from gptviz.jobs.presets import INDUCTION, Preset
from gptviz.runs import Run
from gptviz.tokenizers.baselines import SHAKESPEARE

TABS = ("samples", "health", "time-machine", "gradients", "induction")
MANY = ("list", "compare", "experiments", "failures", "induction-lesson")
CHANGES = {"‖ Pause", "■ Stop", "▶ Resume", "Change", "Save the name", "Delete for good"}
SHIPPED = "trained when gptviz was made, and ships with it"


@pytest.fixture
def models(spawned: list[Run], tmp_path: Path, finished_run: Path) -> Path:
    """A folder of models with the shipped run `story`; what is started there stays untrained."""
    assert not spawned
    shutil.copytree(finished_run, tmp_path / "trained")
    story = Run(Path(shutil.copytree(finished_run, tmp_path / "story")))
    write_json(story.folder / "about.json", {"created": "2026-01-01"})
    shipping.pack(story, tmp_path / "models" / "story")
    return tmp_path / "models"


@pytest.fixture
def gallery(models: Path, tmp_path: Path) -> Path:
    """All runs of the failure gallery as they ship, with the numbers and samples of a tiny run."""
    presets = (preset for one in FAILURES for preset in (one.preset, one.baseline))
    for preset in {preset.name: preset for preset in presets}.values():
        ship_curve(preset, tmp_path / "trained", models)
    return models / jobs.GALLERY


def ship_curve(preset: Preset, trained: Path, models: Path) -> Run:
    folder = Path(shutil.copytree(trained, trained.with_name(preset.title)))
    write_json(folder / "config.json", preset.config("text.txt", vocab_size=30).to_dict())
    write_json(folder / "about.json", {"created": "2026-01-01", "preset": preset.name})
    return shipping.pack_curve(Run(folder), models / jobs.GALLERY / preset.name)


def own_run(models: Path, trained: Path) -> Run:
    run = Run(Path(shutil.copytree(trained, models / "Mine")))
    write_json(run.folder / "about.json", {"created": "1999-01-01"})
    return run


def state_of(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Everything that a folder holds, and when each file and folder in it was last changed."""
    return {
        path: (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
    }


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def marked(app: AppTest) -> list[str]:
    """The samples in which passages of the text are marked."""
    found = [e for e in app.main if e.type == "bidi_component" and e.key.startswith("last_of_")]
    return ["".join(piece for piece, _ in json.loads(e.proto.json)["pieces"]) for e in found]


@pytest.mark.usefixtures("models")
def test_who_has_trained_nothing_sees_the_run_that_ships_and_the_form(open_page, in_address, words):
    app = open_page()
    assert in_address(app) == app.selectbox(key="run_choice").value == "story"
    assert app.selectbox(key="run_choice").options == ["story   ✓ shipped"]
    assert "step 30 of 30" in words(app)
    assert "Curves over 30 steps" in str([e.proto for e in app.main if e.type == "bidi_component"])
    assert not app.expander[0].proto.expanded, "the curve stands on the first screen"


def test_who_has_runs_sees_the_newest_of_them_and_shipped_ones_come_last(
    models: Path, tmp_path: Path, open_page, in_address
):
    own_run(models, tmp_path / "trained")
    app = open_page(runs_tab="list")
    assert in_address(app) == "Mine"
    names = ["Mine   ✓ done", "story   ✓ shipped"]
    assert app.selectbox(key="run_choice").options == names
    assert not app.expander[0].proto.expanded
    listed = app.dataframe[-1].value
    assert listed["run"].tolist() == ["Mine", "story"]
    assert listed["state"].tolist() == ["✓ done", "✓ shipped"]


@pytest.mark.parametrize(("tab", "many"), list(zip(TABS, MANY, strict=True)))
def test_every_tab_shows_a_shipped_run_and_writes_nothing(
    gallery: Path, open_page, words, tab: str, many: str
):
    folders = (gallery, gallery.with_name("story"))
    before = [state_of(folder) for folder in folders]
    app = open_page(tab=tab, runs_tab=many, prompt="the king")
    assert not app.error
    assert "Clone settings" in labels(app)
    assert not CHANGES & labels(app)
    assert "It ships with gptviz and stays as it is" in words(app)
    assert [state_of(folder) for folder in folders] == before


def test_its_past_can_be_looked_at_on_other_pages_and_nothing_is_written(open_app, models: Path):
    before = state_of(models / "story")
    app = open_app("attention", model="story", step=0, prompt="the king")
    assert not app.error
    said = " ".join(caption.value for caption in app.caption).replace("\\", "")
    assert "A training run that ships with gptviz." in said
    assert "`story@step-000000`" in said
    assert state_of(models / "story") == before


def test_a_clone_has_its_settings_and_reads_a_text_that_is_there(
    models: Path, open_page, press, spawned: list[Run]
):
    before = state_of(models / "story")
    app = press(open_page(), "Clone settings")
    assert app.selectbox(key="run_choice").value is None
    assert app.selectbox(key="new_text").value == "plays"
    press(app, "Start")
    (run,) = spawned
    told, cloned = (dict(one.settings) for one in (Run(models / "story"), run))
    assert Path(cloned.pop("data")) == SHAKESPEARE.resolve()
    assert told.pop("data") == "text.txt"
    told["model"] = {**told["model"], "vocab_size": len(set(SHAKESPEARE.read_text()))}
    assert cloned == told
    assert not run.is_shipped
    assert state_of(models / "story") == before


@pytest.mark.usefixtures("models")
def test_a_file_that_happens_to_have_the_name_of_its_text_is_not_taken_for_it(
    open_page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "text.txt").write_text("something else", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    app = open_page(tab="samples")
    assert [e.value for e in app.main.markdown if e.value.startswith("**step")]
    assert "memorised_story" not in [toggle.key for toggle in app.toggle]


@pytest.mark.usefixtures("gallery")
def test_there_is_something_to_compare_before_anybody_trains(open_page, figures):
    app = open_page(runs_tab="compare")
    assert app.multiselect(key="compared").value == ["story", LESSON.name]
    assert "story, ships with gptviz" in app.multiselect(key="compared").options
    assert {"story", LESSON.title} <= {line["name"] for line in figures(app)[-1]["data"]}


@pytest.mark.parametrize("name", ["no-positions", "too-little-data", "deep-post-norm"])
def test_the_gallery_shows_a_failure_beside_its_baseline_before_anybody_trains(
    gallery: Path, open_page, words, figures, name: str
):
    (failure,) = (failure for failure in FAILURES if failure.preset.name == name)
    app = open_page(runs_tab="failures", failure=name)
    assert "Run it yourself" in labels(app)
    pair = failure.preset, failure.baseline
    assert {preset.title for preset in pair} <= {line["name"] for line in figures(app)[-1]["data"]}
    for preset in pair:
        assert f"**{preset.title}** — {SHIPPED}" in words(app)
    written = disk.rows(gallery / failure.preset.name / "samples.jsonl")[-1]
    text = written["prompt"].lstrip("\n") + written["text"]
    shown = marked(app) if failure.memorised else [code.value for code in app.main.code][-2:]
    assert shown == [text, text]


@pytest.mark.usefixtures("gallery")
def test_the_code_finds_the_runs_of_the_gallery_as_well(open_page, assert_codes_make_the_numbers):
    open_page(tab="induction", runs_tab="failures", failure="one-head")
    assert_codes_make_the_numbers({"metrics", "birth", "failure_curves"})


def test_run_it_yourself_does_so_and_one_s_own_run_takes_the_shipped_one_s_place(
    gallery: Path, open_page, press, words, figures, in_address, spawned: list[Run]
):
    before = state_of(gallery)
    app = open_page(runs_tab="failures", failure="no-positions")
    press(app, "Run it yourself")
    names = ["No positions 2", f"{LESSON.title} 2"]
    assert [run.name for run in spawned] == names, "the shipped runs have these names"
    assert in_address(app) == spawned[0].id
    for run in spawned:
        append_row(
            run.folder / "metrics.jsonl", {"step": 1, "train_loss": 9.5, "lr": 0.1, "seconds": 1.0}
        )
        run.update_status({"state": "done"})
    app = open_page(runs_tab="failures", failure="no-positions")
    assert "Run it again" in labels(app)
    assert SHIPPED not in words(app)
    assert "**No positions 2** — ✓ done" in words(app)
    assert "It has not written a sample yet" in words(app)
    lines = figures(app)[-1]["data"]
    assert {line["name"] for line in lines} >= set(names)
    app = open_page(runs_tab="failures", failure="no-layer-norm")
    assert "Run it yourself" in labels(app), "its baseline is one's own now, the failure is not"
    assert f"**No layer norm** — {SHIPPED}" in words(app)
    assert f"**{names[1]}** — ✓ done" in words(app)
    press(app, "Run it yourself")
    assert [run.name for run in spawned[2:]] == ["No layer norm 2"]
    assert state_of(gallery) == before


def test_what_a_shipped_failure_learnt_by_heart_is_marked(gallery: Path, open_page, words):
    name = "too-little-data"
    (failure,) = (failure for failure in FAILURES if failure.preset.name == name)
    text = failure.preset.reads(SHAKESPEARE)[200:260]
    path = gallery / name / "samples.jsonl"
    path.write_text(json.dumps({"step": 600, "prompt": "\n", "text": text}) + "\n")
    app = open_page(runs_tab="failures", failure=name)
    assert marked(app)[0] == text
    assert "100% of it stands in passages" in words(app)


def test_the_lesson_shows_the_birth_in_the_run_that_ships_and_then_one_s_own(
    models: Path, tmp_path: Path, open_page, press, words, figures, spawned: list[Run]
):
    app = open_page(runs_tab="induction-lesson")
    assert f"**story** — {SHIPPED}. It reads text.txt" in words(app)
    assert {"training loss, smoothed by 0.9", "L0 H0", "L1 H1"} <= {
        line["name"] for line in figures(app)[-1]["data"]
    }
    ship_curve(INDUCTION, tmp_path / "trained", models)
    app.run()
    assert f"**{INDUCTION.title}** — {SHIPPED}" in words(app)
    press(app, "Run it yourself")
    assert [run.name for run in spawned] == [f"{INDUCTION.title} 2"]
    assert SHIPPED not in words(app)
    assert "Run it again" in labels(app)


def test_a_shipped_curve_of_other_settings_than_the_lesson_s_is_not_taken_for_it(
    models: Path, tmp_path: Path, open_page
):
    run = ship_curve(LESSON, tmp_path / "trained", models)
    write_json(run.folder / "config.json", {**run.settings, "learning_rate": 0.5})
    app = open_page(runs_tab="failures", failure="no-positions")
    assert "Run it beside one that goes well" in labels(app)


def test_a_run_that_practises_says_what_its_training_loss_holds(models, open_page, words):
    practice = "lessons in copying"
    assert practice not in words(open_page())
    settings = json.loads((models / "story" / "config.json").read_text(encoding="utf-8"))
    changed = {"copy_steps": 12, "repeat_share": 0.125}
    write_json(models / "story" / "config.json", {**settings, **changed})
    told = words(open_page())
    assert f"The first 12 steps are {practice}" in told
    assert "Of what later steps read, 12.5% is such practice" in told
