"""The page Build it up, entered through the app."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import jobs
from gptviz.disk import rows
from gptviz.jobs.build_up import SHAPES, STAGES
from gptviz.runs import Run
from gptviz.subjects.build_up import analysis, figures

SHIPPED = Path(__file__).parents[3] / "checkpoints" / jobs.GALLERY


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    (tmp_path / jobs.GALLERY).symlink_to(SHIPPED)
    return tmp_path


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that are queued; nobody trains them."""
    found: list[Run] = []
    monkeypatch.setattr(jobs, "launch", found.append)
    monkeypatch.setattr(jobs, "state", lambda run: run.status.get("state", "queued"))
    return found


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(element.value for element in told).replace("\\", "")


def test_the_code_under_each_picture_gives_its_numbers(
    open_app: Callable[..., AppTest], assert_codes_make_the_numbers
):
    for tab in ("stages", "shapes"):
        assert not open_app("build_up", tab=tab).error
    assert_codes_make_the_numbers({"stages", "shapes", "shape_courses"})


def test_the_lines_of_all_stages_can_be_seen_and_the_chosen_one_is_thicker():
    table = pd.DataFrame({"step": [1, 2], "a": [3.0, 2.0], "b": [3.0, 1.0]})
    a, b = figures.courses(table, {}, "light", chosen="b").data
    assert (a.opacity, b.opacity) == (None, None)
    assert b.line.width >= 2 * a.line.width


def test_a_stage_is_shown_with_its_words_its_loss_and_what_it_wrote(
    open_app: Callable[..., AppTest],
):
    app = open_app("build_up", built="stage-blocks")
    told = words(app)
    assert "**6 Four blocks.** Four such blocks" in told
    assert "and ships with it" in told
    bits = analysis.results([Run(SHIPPED / name) for name in ("stage-heads", "stage-blocks")])
    before, own = bits["best_bits_per_byte"]
    assert f"It reaches {own:.3f} bits a byte, and the stage before {before:.3f}" in told
    last = rows(SHIPPED / "stage-blocks" / "samples.jsonl")[-1]
    assert last["prompt"].lstrip("\n") + last["text"] in [code.value for code in app.code]
    table = app.dataframe[-1].value
    assert table["run"].tolist() == [preset.title for preset in STAGES]


@pytest.mark.parametrize("value", ["", "-1", "stage-nine", "9" * 5000, "²"])
def test_what_is_no_choice_is_passed_over(open_app: Callable[..., AppTest], value: str):
    app = open_app("build_up", built=value, tab=value, shapes_of=value)
    assert "**1 Bigram.**" in words(app)
    assert not app.error


def test_all_stages_are_queued_as_one_experiment_and_stopped_by_a_button(
    open_app: Callable[..., AppTest], queued: list[Run], monkeypatch: pytest.MonkeyPatch
):
    app = open_app("build_up")
    app.button(key="train_stages").click().run()
    assert [run.preset for run in queued] == [preset.name for preset in STAGES]
    assert [run.name for run in queued][:2] == [
        "Build it up, Bigram",
        "Build it up, Positions and MLP",
    ]
    assert "8 of 8 runs train or wait for their turn." in words(app)
    stopped: list[str] = []
    monkeypatch.setattr(jobs, "stop", lambda run: stopped.append(run.preset))
    app.button(key="train_stages_stop").click().run()
    assert stopped == [preset.name for preset in reversed(STAGES)]


def test_shapes_are_measured_by_a_button_and_queued_by_another(
    open_app: Callable[..., AppTest], queued: list[Run], monkeypatch: pytest.MonkeyPatch
):
    titles = [preset.title for preset in SHAPES["full"]]
    times = pd.DataFrame({"shape": titles, "tokens": 64, "milliseconds": [3.0, 4.5, 2.0, 3.2]})
    monkeypatch.setattr(analysis, "forward_times", measured := _measured(times))
    app = open_app("build_up", tab="shapes", shapes_of="full")
    app.button(key="measure_shapes").click().run()
    assert measured.asked == ["full"]
    told = words(app)
    assert "“3 × 512, shallow and wide” reads 64 tokens in 2.0 ms" in told
    assert "“12 × 256, deep and narrow” in 4.5 ms" in told
    app.button(key="train_shapes_full").click().run()
    assert [run.preset for run in queued] == [preset.name for preset in SHAPES["full"]]


def test_no_shape_is_shown_as_trained_that_nobody_trained(open_app: Callable[..., AppTest]):
    told = words(open_app("build_up", tab="shapes", shapes_of="full"))
    assert "The curves come with the first validation of a run." in told
    assert "ships with it" not in told


def _measured(table: pd.DataFrame):
    def forward_times(size: str, _progress: object) -> pd.DataFrame:
        forward_times.asked.append(size)
        return table

    forward_times.asked = []
    forward_times.__qualname__ = "forward_times"
    return forward_times
