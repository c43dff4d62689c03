"""The page Shortcuts, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz.subjects.shortcuts import analysis


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("shortcuts", tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_page_opens_on_the_five_layers(open_page, assert_codes_make_the_numbers):
    app = open_page("network")
    assert not app.error
    assert "**2.017 · 10⁻⁴** without shortcuts and **0.2217** with them" in words(app)
    assert "it is 0.00505 and 1.326" in words(app)
    assert_codes_make_the_numbers({"gradients"})


@pytest.mark.parametrize(
    ("tab", "query", "key"),
    [
        ("network", {"depth": "24", "net_width": "1", "net_seed": "9"}, "gradients"),
        ("powers", {"per_layer": "1.1", "passed_layers": "48"}, "powers"),
        ("powers", {}, "powers"),
        ("gpt", {"blocks": "2", "gpt_seed": "1"}, "likeness"),
    ],
)
def test_the_code_gives_the_numbers(open_page, assert_codes_make_the_numbers, tab, query, key):
    app = open_page(tab, **query)
    assert not app.error
    assert_codes_make_the_numbers({key})


def test_nine_and_eleven_tenths_are_told_after_twelve_layers(open_page):
    assert "0.9¹² = **0.2824**, 1.1¹² = **3.138**" in words(open_page("powers"))


def test_a_network_that_answers_nothing_is_told(open_page, assert_codes_make_the_numbers):
    app = open_page("network", depth="24", net_seed="123")
    assert "the last GELU answers 0" in app.info[0].value
    assert_codes_make_the_numbers({"gradients"})


def test_single_layers_that_get_nothing_are_named_while_the_others_learn(open_page):
    app = open_page("network", depth="24", net_width="1", net_seed="123")
    table = analysis.gradients(24, 1, 123)
    silent = table.loc[table["with"] == 0, "layer"].tolist()
    assert 0 < len(silent) < 24
    assert app.info[0].value.endswith(f"Here: {', '.join(map(str, silent))}.")
    assert "nothing comes back" not in app.info[0].value


def test_a_gpt_without_shortcuts_is_one_click_away(open_page):
    app = open_page("gpt", blocks="1")
    (link,) = (e.proto for e in app.main if e.type == "page_link")
    assert "failure=no-shortcuts" in link.query_string


@pytest.mark.parametrize("value", ["", "0", "999", "abc", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    for tab, keys in (
        ("network", ("depth", "net_width", "net_seed")),
        ("powers", ("per_layer", "passed_layers")),
    ):
        assert not open_page(tab, **dict.fromkeys(keys, value)).error
