"""The tabs of the sampling page for those who want to write like an expert."""

import pandas as pd
import pytest
import streamlit as st

import gptviz
from gptviz.app import look
from gptviz.app.address import KEYS

PROMPT = "To be, or not to be"


def words(app) -> str:
    told = [*app.markdown, *app.caption, *app.info]
    return " ".join(x.value for x in told).replace("\\", "")


@pytest.mark.parametrize(
    ("tab", "picture", "query", "told"),
    [
        ("beams", "beam_tree", {"beam_length": 5, "beams": 3}, "The best text has ln p"),
        ("ranked", "ranked", {"ranked_texts": 3, "ranked_length": 10}, "greedy writing stands"),
        ("grid", "grid", {"grid_by": "top_p", "grid_measure": "entropy"}, "different pairs"),
    ],
)
def test_a_tab_opens_and_its_code_gives_its_numbers(
    open_sampling, assert_codes_make_the_numbers, tab, picture, query, told
):
    app = open_sampling(tab=tab, seed=2, **query)
    assert told in words(app)
    choices = [*app.select_slider, *app.slider, *app.number_input]
    assert {choice.key for choice in choices} <= set(KEYS)
    assert_codes_make_the_numbers({"tokens", "text", picture})


def test_both_ways_are_measured_at_the_press_of_a_button(open_sampling, press):
    app = open_sampling(tab="cache", cache_length=20)
    assert not app.get("plotly_chart")
    press(app, "Measure both")
    assert "**20 tokens** took" in words(app)
    assert "Both wrote the same text." in words(app)
    app.toggle(key="cache_numbers").set_value(True).run()
    table = app.dataframe[-1].value
    code = next(code.value for code in app.code if "measured(" in code.value)
    names: dict[str, pd.DataFrame] = {}
    exec(code, names)
    for column in ("index", "read", "id", "id_without_cache"):
        assert names["table"][column].tolist() == table[column].tolist()
    press(app, "Measure again")


@pytest.mark.parametrize("tab", ["beams", "ranked", "grid"])
def test_the_text_of_the_first_view_does_not_wait_for_what_takes_long(
    open_sampling, texts, monkeypatch, tab
):
    monkeypatch.setattr(look, "look_for_long", lambda *_, **__: st.stop())  # its reader stopped it
    app = open_sampling(tab=tab, seed=11)
    assert texts(app)[-1]["done"]
    assert "text_numbers" in [toggle.key for toggle in app.toggle]


@pytest.mark.parametrize(
    ("tab", "words"),
    [("beams", "This model gives NaN"), ("ranked", "are not numbers"), ("grid", "are not numbers")],
)
def test_a_model_that_becomes_nan_is_told_in_a_sentence(open_app, tab: str, words: str):
    app = open_app("sampling", prompt=PROMPT, model="torn", tab=tab, beam_length=20)
    assert not app.exception
    # The text of the first view says it, too.
    assert len([error for error in app.error if words in error.value]) == 1 + (tab != "beams")


def test_up_to_a_thousand_tokens_are_written_at_a_press(open_sampling):
    slider = open_sampling(write_length=1000).slider(key="write_length")
    assert (slider.value, slider.max) == (1000, 1000)


def test_a_text_is_written_on_in_its_format_until_its_stop_tag(open_sampling, press, chips):
    free = [
        step.token
        for step in gptviz.load("letters").generate(f"<b>{PROMPT}<a>", 40, temperature=1.0, seed=1)
    ]
    query = {"temperature": 1, "top_k": 0, "seed": 1, "format": "own", "template": "<b>{text}<a>"}
    app = press(open_sampling(**query), "Write")
    assert chips(app) == free
    assert f"<b>{PROMPT}<a>" in [code.value for code in app.code]
    stop = free[6]
    app.multiselect(key="write_stop").set_value([stop]).run()
    press(press(app, "Start again"), "Write")
    assert chips(app) == free[: free.index(stop) + 1]


@pytest.mark.parametrize("template", ["", "no place for it", "{text"])
def test_a_format_without_a_place_for_the_text_is_told_in_a_sentence(open_app, template: str):
    app = open_app("sampling", prompt=PROMPT, format="own", template=template)
    assert not app.exception
    if template:
        assert "write {text} where your text goes" in app.error[0].value.replace("\\", "")


def test_the_rules_of_experts_hold_for_the_text_of_the_first_view(open_sampling, texts):
    rules = {"min_p": 0.1, "typical_p": 0.7, "no_repeat_ngram_size": 2}
    (text,) = texts(open_sampling(seed=5, **rules))
    lm = gptviz.load("letters")
    steps = lm.generate(PROMPT, 40, temperature=0.8, top_k=40, **rules, seed=5)
    ids = [token["id"] for token in text["tokens"]]
    assert ids == [step.id for step in steps]
    pairs = list(zip(*(([*lm.ids(PROMPT), *ids])[i:] for i in (0, 1)), strict=False))
    new = pairs[len(PROMPT) - 1 :]
    assert len(set(new)) == len(new)
