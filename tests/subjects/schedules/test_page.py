"""The page Schedules, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("schedules", tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_page_opens_on_the_six(open_page, assert_codes_make_the_numbers):
    app = open_page("rates")
    assert not app.error
    assert "Half-way, at step 101 of 200" in words(app)
    assert "**0.55** of the highest on a straight line, **0.55** on a cosine" in words(app)
    assert "**0.25** in stairs" in words(app)
    assert_codes_make_the_numbers({"rates"})


def test_six_runs_are_ranked_and_can_be_queued(open_page, assert_codes_make_the_numbers):
    app = open_page("runs", highest_rate="0.1", schedule_seed="2")
    assert not app.error
    assert "Mean loss of the last 20 steps, the lowest first:" in words(app)
    assert "a constant rate **" in words(app)
    (link,) = (e.proto for e in app.main if e.type == "page_link")
    assert "runs_tab=experiments" in link.query_string
    assert "vary=schedules" in link.query_string
    assert_codes_make_the_numbers({"schedule_courses"})


@pytest.mark.parametrize("value", ["", "9", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    assert not open_page("rates", warmup_share=value, last_share=value).error
