"""The page Scaling, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import jobs
from gptviz.app import show
from gptviz.jobs import experiments
from gptviz.jobs.experiments import Experiment
from gptviz.runs import Run
from gptviz.subjects.scaling import analysis, families, ready
from gptviz.subjects.training import rights

EXPERIMENT = "0123456789ab"


@pytest.fixture(autouse=True)
def _use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "size", **query: object) -> AppTest:
        return open_app("scaling", tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return " ".join(x.value for x in told).replace("\\", "")


def test_something_real_is_there_before_anybody_trains(open_page, assert_codes_make_the_numbers):
    ends = analysis.ends(ready.courses())
    app = open_page(law="floor", counted_size="all")
    assert not app.error
    assert app.selectbox(key="family").value == "ready"
    assert (
        f"the loss goes from {ends.val_loss.iloc[0]:.3f} to **{ends.val_loss.iloc[-1]:.3f}**"
        in (words(app))
    )
    assert "falls towards a floor of" in words(app)
    assert "The law of Hoffmann et al. (2022) gives 0.154" in words(
        open_page("compute", law="floor")
    )
    assert not open_page("compute", counted_compute="counted").error
    assert_codes_make_the_numbers({"loss_by_size", "loss_by_compute"})
    assert "Kaplan et al. (2020) has" in words(open_page("limits"))


def test_a_family_trained_here_takes_its_place(open_page, train, assert_codes_make_the_numbers):
    train(5, 1)
    app = open_page(family=EXPERIMENT)
    assert app.selectbox(key="family").options[1] == "Scaling: 5 of 6 trained here"
    assert "From 3,312 to 56,640 parameters" in words(app)
    assert not open_page("compute", family=EXPERIMENT).error
    assert_codes_make_the_numbers({"loss_by_size", "loss_by_compute"})


def test_before_the_first_model_is_done_the_page_says_so(open_page, train):
    (run,) = train(0, 1)
    app = open_page(family=EXPERIMENT)
    assert "There will be points here when the first model has taken all its steps." in words(app)
    (run.folder / "metrics.jsonl").unlink()
    for tab, told in {"compute": "lines here after", "limits": "numbers here after"}.items():
        assert told in words(open_page(tab, family=EXPERIMENT))


def test_the_title_follows_the_runs_by_itself(train, monkeypatch):
    train(1, 2, kind="queued")
    states = {"Scaling, 1 × 24": "running", "Scaling, 1 × 32": "queued"}
    monkeypatch.setattr(jobs, "state", lambda run: states.get(run.name, "done"))
    drawn_anew: list[str] = []
    monkeypatch.setattr(families.st, "rerun", lambda: drawn_anew.append("again"))

    def drawn() -> families.Family:
        return families._of(next(iter(experiments.list_experiments(jobs.list_runs()))))

    family = drawn()
    assert family.title == "Scaling: 1 of 3 trained here"
    families._follow(family)
    assert not drawn_anew, "nothing has changed"
    states |= {"Scaling, 1 × 24": "done", "Scaling, 1 × 32": "running"}
    families._follow(family)
    assert len(drawn_anew) == 1, "one more is done"
    family = drawn()
    assert (family.title, family.again) == ("Scaling: 2 of 3 trained here", families.EVERY)
    states["Scaling, 1 × 32"] = "stopped"
    families._follow(family)
    assert len(drawn_anew) == 2, "nothing lives any more"
    assert drawn().again is None


def test_a_run_that_cannot_be_read_ends_in_a_sentence(open_page, train):
    run = train(3)[1]
    (run.folder / "config.json").write_text('{"model": {"n_layer": 1, "banana": 1}, "data": "x"}')
    assert any("banana" in error.value for error in open_page(family=EXPERIMENT).error)


def test_the_family_is_queued_by_a_button(open_page, train, monkeypatch):
    queued = []

    def start(name: str, settings: dict, owner: str = "") -> Experiment:
        queued.append((name, list(settings), owner))
        train(0, 2)
        return next(iter(experiments.list_experiments(jobs.list_runs())))

    monkeypatch.setattr(experiments, "start", start)
    app = open_page("train")
    assert f"about {ready.about()['minutes']} minutes where nothing else runs" in words(app)
    app.button(key="train_family").click().run()
    assert not app.exception
    assert [(name, len(models)) for name, models, _ in queued] == [("Scaling", 8)]
    assert app.selectbox(key="family").value == EXPERIMENT
    assert app.query_params["family"] == EXPERIMENT


def test_what_was_stopped_goes_on_and_a_refusal_is_told(open_page, train, monkeypatch):
    train(1, 2, kind="paused")
    gone_on = []
    monkeypatch.setattr(rights, "resume", lambda run: gone_on.append(run.name))
    app = open_page("train", family=EXPERIMENT)
    assert app.button(key="stop_all").disabled
    states = app.dataframe[0].value
    assert states["state"].tolist() == ["✓ done", "‖ paused", "‖ paused"]
    app.button(key="resume_all").click().run()
    assert gone_on == ["Scaling, 1 × 24", "Scaling, 1 × 32"]

    def full(run: Run) -> None:
        raise ValueError(f"{run.name} does not fit into the queue")

    monkeypatch.setattr(rights, "resume", full)
    app.run()
    app.button(key="resume_all").click().run()
    assert [show.plain(error.value) for error in app.error] == [
        "Scaling, 1 × 24 does not fit into the queue."
    ]


def test_all_are_stopped_the_last_first_but_those_that_have_ended_meanwhile(
    open_page, train, monkeypatch
):
    train(1, 3)
    states = {
        "Scaling, 1 × 24": "running",
        "Scaling, 1 × 32": "queued",
        "Scaling, 2 × 32": "queued",
    }
    stopped = []

    def stop(run: Run) -> None:
        stopped.append(run.name)
        states["Scaling, 1 × 32"] = "done"

    monkeypatch.setattr(jobs, "state", lambda run: states.get(run.name, "done"))
    monkeypatch.setattr(jobs, "stop", stop)
    open_page("train", family=EXPERIMENT).button(key="stop_all").click().run()
    assert stopped == ["Scaling, 2 × 32", "Scaling, 1 × 24"]


@pytest.mark.parametrize("value", ["", "ffff", "²", "x" * 3000])
def test_what_is_no_choice_is_passed_over(open_page, value):
    chosen = dict.fromkeys(("family", "counted_size", "law", "counted_compute"), value)
    assert not open_page("size", **chosen).error
