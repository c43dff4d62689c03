"""The sampling page shows the next token's distribution, with the settings of its address."""

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz.generation import next_logits
from gptviz.sampling import SamplingSettings, stages

PROMPT = "To be, or not to be"
MORE_OFF = {"min_p": 0, "typical_p": 1, "no_repeat_ngram_size": 0}
OFF = {"temperature": 1, "top_k": 0, "top_p": 1, "repetition_penalty": 1, **MORE_OFF}
USUAL = {**OFF, "temperature": 0.8, "top_k": 40}


@pytest.fixture
def settings(
    texts: Callable[[AppTest], list[dict[str, Any]]],
) -> Callable[[AppTest], dict[str, float]]:
    """The settings that the explorer shows."""
    return lambda app: texts(app)[-1]["settings"]


def test_the_browser_gets_the_logits_that_generation_draws_from(open_sampling, component, texts):
    app = open_sampling()
    data = component(app, "explorer_logits").bytes
    (length,) = struct.unpack_from("<I", data)
    header = json.loads(data[4 : 4 + length])
    logits = torch.from_numpy(np.frombuffer(data, "<f4", offset=4 + length).copy())
    lm = gptviz.load("letters")
    ids = lm.ids(PROMPT)
    assert header["seen"] == ids
    assert header["tag"] == json.loads(component(app, "explorer").json)["tag"]
    assert header["tag"] == texts(app)[-1]["tag"]
    assert header["pieces"]["3"] == lm.tokenizer.pieces([3])[0]
    chosen = {"temperature": 0.7, "top_k": 9, "top_p": 0.8, "repetition_penalty": 1.2}
    step = next(lm.generate(ids, 1, seed=0, **chosen))
    shown = stages(logits, header["seen"], SamplingSettings(**chosen))[-1].probabilities
    torch.testing.assert_close(shown, step.probabilities, atol=1e-6, rtol=0)


def test_the_browser_gets_the_names_of_what_each_rule_removed(open_sampling, texts, letters):
    (text,) = texts(open_sampling(temperature=1, top_k=20, top_p=0.5))
    named = text["removed"]
    logits = next_logits(gptviz.load("letters").model, letters.encode(PROMPT))
    order = logits.argsort(descending=True).tolist()
    kept = int((stages(logits, [], SamplingSettings(1.0, 20, 0.5))[-1].probabilities > 0).sum())
    ids = [*order[kept : kept + 4], *order[20:24]]
    assert named == {str(i): piece for i, piece in zip(ids, letters.pieces(ids), strict=True)}


def test_the_numbers_behind_the_explorer_count_the_whole_vocabulary(
    open_sampling, checked, letters
):
    app = open_sampling(top_k=10, top_p=0.5)
    app.toggle(key="tokens_numbers").set_value(True).run()
    tokens, rules = (element.value for element in checked(app).dataframe[:2])
    assert rules["tokens"].sum() == letters.vocab_size
    assert rules["probability"].sum() == pytest.approx(1)
    kept = rules.set_index("rule").loc["kept", "tokens"]
    assert (tokens["removed by"] == "").sum() == kept


def test_the_url_restores_every_setting_and_the_seed(open_sampling, settings):
    chosen = {"temperature": 0.37, "top_k": 137, "top_p": 0.82, "repetition_penalty": 1.45}
    chosen |= {"min_p": 0.03, "typical_p": 0.4, "no_repeat_ngram_size": 3}
    app = open_sampling(**chosen, seed=11)
    assert settings(app) == chosen
    assert app.number_input(key="seed").value == 11
    for name, value in chosen.items():
        assert app.query_params[name] in (str(value), [str(value)])


def test_the_url_restores_length_and_stop_sequences(open_sampling):
    app = open_sampling(write_length=9, write_stop=["\\n", "zounds"])
    assert app.slider(key="write_length").value == 9
    assert app.multiselect(key="write_stop").value == ["\\n", "zounds"]


def test_an_address_without_settings_opens_at_temperature_0_8_and_top_k_40(open_sampling, settings):
    assert settings(open_sampling()) == USUAL
    assert settings(open_sampling(temperature=1)) == {**USUAL, "temperature": 1}
    assert settings(open_sampling(temperature=1, top_k=0)) == OFF


def test_the_address_leaves_out_what_is_as_usual_and_says_what_is_off(open_sampling, choose):
    app = choose(open_sampling(temperature=0.3, seed=1), temperature=1, top_k=0, top_p=0.9)
    addressed = {name: value for name, value in app.query_params.items() if name in OFF}
    assert addressed == {
        "temperature": "1",
        "top_k": "0",
        "top_p": "0.9",
    }
    choose(app, temperature=0.8, top_k=40, top_p=1)
    assert not set(OFF) & set(app.query_params)


def test_an_address_that_comes_late_takes_back_no_setting(open_sampling, choose, settings):
    app = choose(open_sampling(temperature=0.3), temperature=1.1)
    app.query_params["temperature"] = "0.3"  # sent before the last answer had arrived
    app.run()
    assert settings(app)["temperature"] == float(app.query_params["temperature"]) == 1.1


@pytest.mark.parametrize("junk", ["banana", None, "", [], "9" * 5000, -1])
def test_what_is_no_setting_leaves_the_usual_one(open_sampling, choose, settings, junk):
    app = choose(open_sampling(temperature=0.3), temperature=junk, top_k=junk, top_p=0.9)
    assert settings(app) == {**USUAL, "top_p": 0.9}


@pytest.mark.parametrize(
    ("name", "value", "rounded"),
    [("temperature", "0.333", "0.33"), ("top_p", "0.994", "0.99"), ("temperature", "0.70", "0.7")],
)
def test_a_value_between_two_places_of_its_slider_is_rounded_in_the_url_too(
    open_sampling, settings, name: str, value: str, rounded: str
):
    app = open_sampling(**{name: value})
    assert app.query_params[name] == rounded
    assert settings(app)[name] == float(rounded)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "banana"),
        ("temperature", "-1"),
        ("temperature", "nan"),
        ("temperature", "99"),
        ("temperature", "1e0"),
        ("temperature", ""),
        ("top_k", "2.5"),
        ("top_k", "-3"),
        ("top_k", "٣"),
        ("top_k", "99999999999999999999"),
        ("top_p", "0"),
        ("top_p", "1.01"),
        ("repetition_penalty", "0.5"),
        ("repetition_penalty", "inf"),
        ("min_p", "1.5"),
        ("typical_p", "0"),
        ("no_repeat_ngram_size", "2.5"),
    ],
)
def test_a_bad_value_is_dropped_from_the_url_and_the_others_stay(
    open_sampling, settings, name: str, value: str
):
    good = {"temperature": "0.5", "top_p": "0.9"}
    app = open_sampling(**{**good, name: value})
    assert name not in app.query_params
    expected = {key: float(number) for key, number in good.items() if key != name}
    assert settings(app) == {**USUAL, **expected}


@pytest.mark.parametrize("seed", ["-1", "x", "", "99999999999999999999"])
def test_a_bad_seed_is_dropped(open_sampling, seed: str):
    assert open_sampling(seed=seed).number_input(key="seed").value == 0


def test_another_setting_sends_neither_the_explorer_nor_the_logits_anew(
    open_sampling, checked, component
):
    app = open_sampling()
    before = [component(app, key).SerializeToString() for key in ("explorer", "explorer_logits")]
    app.query_params["temperature"] = "1.3"
    checked(app.run())
    after = [component(app, key).SerializeToString() for key in ("explorer", "explorer_logits")]
    assert after == before


def test_what_a_tab_shows_is_not_made_before_it_is_opened(open_sampling):
    app = open_sampling()
    assert not app.get("plotly_chart")
    assert not [e for e in app.main if e.type == "bidi_component" and e.key in ("text", "columns")]
