"""The page One layer by hand, entered through the app; it opens without any model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest


@pytest.fixture(autouse=True)
def no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "numbers", **query: object) -> AppTest:
        return open_app("one_layer", tab=tab, **query)

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


def test_the_code_gives_the_norms_of_what_is_typed(open_page, assert_codes_make_the_numbers):
    query = {"layer_numbers": "1 2 3; 4 0 −1", "variance_by": "n-1", "norm_epsilon": "1"}
    app = open_page(**query, gamma="1 2 3", beta="0.5")
    assert not app.error
    assert_codes_make_the_numbers({"norms"})
    assert app.dataframe[0].value["mean"].tolist()[:2] == [2, 1]


def test_a_variance_that_is_not_0_is_not_shown_as_0(open_page):
    (table,) = open_page().dataframe
    shown = convert_arrow_bytes_to_pandas_df(table.proto.arrow_data.styler.display_values)
    row, column = shown.iloc[0].tolist(), shown.iloc[2].tolist()
    assert row == ["row 0", "0.1324", "0.0192", "0.0231"]
    assert column == ["column 0", "0.2197", "0.00004", "0.000081"]
    assert shown.iloc[-1].tolist() == ["column 5", "0.0000", "0.0000", "0.0000"]


def test_the_code_gives_the_random_layers(open_page, assert_codes_make_the_numbers):
    app = open_page("deep", weight_std="0.05", layer_width="64", layer_seed="3")
    assert not app.error
    assert_codes_make_the_numbers({"spread"})
    assert "√64 = **0.40**" in words(app)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"layer_numbers": "1 two"}, "“two” is no number"),
        ({"gamma": "1e400"}, "γ: 1e400 is too large"),
        ({"beta": ","}, "β: there is no number yet"),
        ({"layer_numbers": "1 " * 10_000}, "1,000 characters or more came"),
        ({"layer_numbers": "1 2; 3"}, "Row 1 has 1 number and"),
    ],
)
def test_what_cannot_be_normalised_ends_in_a_sentence_and_leaves_the_controls(
    open_page, query, sentence
):
    app = open_page(**query)
    assert sentence in words(app)
    app.text_input(key="layer_numbers").set_value("1 2 3")
    app.text_input(key="gamma").set_value("1")
    app.text_input(key="beta").set_value("0")
    app.run()
    assert not app.error


def test_what_would_be_zero_by_zero_is_told_beside_what_can_be_divided(
    open_page, assert_codes_make_the_numbers
):
    app = open_page(variance_by="n-1", norm_epsilon="0")
    assert not app.error
    assert "would be 0 ÷ 0" in app.info[0].value
    assert_codes_make_the_numbers({"norms"})


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 400, "inf", "NaN"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    keys = ("weight_std", "layer_width", "layer_seed")
    assert not open_page("deep", **dict.fromkeys(keys, value)).error
