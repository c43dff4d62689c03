"""The address: each key once, values that outlive the words on the screen."""

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz.app.address import KEYS

ROOT = Path(__file__).parents[2]
SLUG = re.compile(r"[a-z0-9.-]+")


def page() -> None:
    import streamlit as st

    from gptviz.app import choices
    from gptviz.app.choices import Tab

    measure = choices.one_of("measure", "Colour by", {"entropy": "How wide?", "first": "To 0"})
    many = choices.one_of_many("over_heads", "Over", {"mean": "Mean", "maximum": "Max"})
    stage = choices.one_in_order("stage", "Where", {"wte": "token", "h.0": "after L0"})
    st.text(f"chosen {measure} {many} {stage}")
    choices.tabs(
        {
            "one-head": Tab("One head", lambda: st.text("drawn one head")),
            "lines": Tab("Lines", lambda: st.text("drawn lines")),
        }
    )


def open_page(**query: str) -> AppTest:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> list[str]:
    return [element.value for element in app.text]


def test_without_an_address_the_first_of_everything_is_chosen_and_the_address_stays_short():
    app = open_page()
    assert texts(app) == ["chosen entropy mean wte", "drawn one head"]
    assert not dict(app.query_params)


def test_slugs_in_the_address_choose():
    app = open_page(measure="first", over_heads="maximum", stage="h.0", tab="lines")
    assert texts(app) == ["chosen first maximum h.0", "drawn lines"]


def test_a_control_shows_what_is_chosen_even_if_its_browser_has_missed_the_first_run():
    app = open_page(measure="first", over_heads="maximum", stage="h.0").run()
    (measure,) = app.button_group
    # From a run on that did not set them, this is all that a browser is told of them.
    assert [*measure.proto.default] == [1]
    assert app.selectbox(key="over_heads").proto.default == 1
    assert [*app.select_slider(key="stage").proto.default] == [1]


@pytest.mark.parametrize("value", ["", "beauty", "To 0", "LINES", "9" * 5000, "²"])
def test_what_is_no_slug_falls_back_to_the_first_without_a_word(value: str):
    app = open_page(measure=value, over_heads=value, stage=value, tab=value)
    assert texts(app) == ["chosen entropy mean wte", "drawn one head"]
    assert not app.error
    assert not app.warning


def test_a_choice_on_the_page_stands_in_the_address_and_a_default_leaves_it():
    app = open_page()
    app.selectbox(key="over_heads").set_value("maximum").run()
    assert texts(app)[0] == "chosen entropy maximum wte"
    assert app.query_params["over_heads"] in ("maximum", ["maximum"])
    app.selectbox(key="over_heads").set_value("mean").run()
    assert "over_heads" not in app.query_params


def test_an_address_that_comes_late_takes_back_nothing_that_was_chosen():
    app = open_page(tab="lines")
    chosen = texts(app)
    app.query_params["tab"] = "one-head"
    app.query_params["measure"] = "first"
    app.run()
    assert texts(app) == chosen
    assert app.query_params["tab"] == "lines"


def growing() -> None:
    import streamlit as st

    from gptviz.app import choices

    last = st.session_state.get("last", "2")
    steps = {str(step): f"step {step}" for step in range(int(last) + 1)}
    step = choices.one_in_order("parameter_step", "After step", steps, default=last)
    failure = choices.pill("failure", "What", {"no-norm": "No norm", "one-head": "One head"})
    st.text(f"chosen {step} {failure}")


def test_a_choice_left_at_its_default_follows_it_and_any_other_stays():
    app = AppTest.from_function(growing, default_timeout=30).run()
    assert texts(app) == ["chosen 2 no-norm"]
    app.session_state["last"] = "3"
    app.run()
    assert texts(app) == ["chosen 3 no-norm"]
    assert not dict(app.query_params)
    app.select_slider(key="parameter_step").set_value("1").run()
    app.session_state["last"] = "4"
    app.run()
    assert texts(app) == ["chosen 1 no-norm"]
    assert dict(app.query_params)["parameter_step"] in ("1", ["1"])


def test_a_pill_is_chosen_by_its_slug():
    app = AppTest.from_function(growing, default_timeout=30)
    app.query_params["failure"] = "one-head"
    assert texts(app.run()) == ["chosen 2 one-head"]
    assert [*app.pills(key="failure").proto.default] == [1]
    app.pills(key="failure").set_value("no-norm").run()
    assert texts(app) == ["chosen 2 no-norm"]
    assert not dict(app.query_params)


def test_every_key_of_an_address_is_listed_once_with_its_meaning():
    bound: set[str] = set()
    for path in [ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("gptviz/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = {each.arg: each.value for each in node.keywords}
            if "bind" in named and isinstance(named.get("key"), ast.Constant):
                bound.add(named["key"].value)
            choice = ast.unparse(node.func).startswith(("choices.", "typed.text", "typed.seed"))
            if choice and node.args and isinstance(node.args[0], ast.Constant):
                bound.add(node.args[0].value)
    assert bound <= set(KEYS), f"not in address.KEYS: {sorted(bound - set(KEYS))}"
    assert all(key.meaning for key in KEYS.values())
