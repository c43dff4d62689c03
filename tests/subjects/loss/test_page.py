"""The page From probability to loss, entered through the app."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import LanguageModel, load
from gptviz.app.glossary import without_marks


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "first")
    save_random(root / "void", is_void=True)
    save_random(root / "loud", std=30.0)
    return root


@pytest.fixture
def open_page(
    open_app: Callable[..., AppTest], models: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))

    def opened(tab: str, **query: object) -> AppTest:
        return open_app("loss", **{"model": "first", "prompt": "The king", "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return without_marks(" ".join(x.value for x in told)).replace("\\", "")


@pytest.mark.parametrize(
    ("tab", "query", "told", "key"),
    [
        (
            "logits",
            {},
            "probability of **0.231**, so the loss is −ln 0.231 = **1.464**",
            "from_logits",
        ),
        ("logits", {"logits": "7", "target": "5"}, "Token 0 came", "from_logits"),
        ("curve", {"chance": "0.9"}, "−ln 0.9 = **0.105**", "curve"),
        ("curve", {"chance": "0.1"}, "−ln 0.1 = **2.303**", "curve"),
        ("curve", {"chance": "1"}, "−ln 1 = **0.000**", "curve"),
    ],
)
def test_what_needs_no_run_of_the_model_opens_without_one(
    open_page, assert_codes_make_the_numbers, monkeypatch, tab, query, told, key
):
    def runs(*_: object) -> None:
        raise AssertionError("the model runs")

    monkeypatch.setattr(LanguageModel, "trace", runs)
    app = open_page(tab, **query)
    assert not app.error
    assert told in words(app)
    assert_codes_make_the_numbers({key})


@pytest.mark.parametrize(
    ("logits", "sentence", "bar"),
    [
        ("20 0", "probability of **2.1 · 10⁻⁹**, so the loss is −ln (2.1 · 10⁻⁹) = **20.000**", 1),
        ("1e6 −1e6", "of **1.1 · 10⁻⁸⁶⁸⁵⁸⁹**, so", 1),
        ("0 10", "of **1 − 0.000045**, so the loss is −ln (1 − 0.000045) = **0.000045**", 0),
    ],
)
def test_a_probability_next_to_0_or_1_is_not_told_as_0_or_1(open_page, logits, sentence, bar):
    app = open_page("logits", logits=logits, target=1)
    assert sentence in words(app)
    (figure,) = app.get("plotly_chart")
    assert json.loads(figure.proto.spec)["data"][0]["text"][bar].startswith("< 0.001")


def test_a_perplexity_beyond_all_floats_is_told(open_page):
    app = open_page("sentence", model="loud")
    told = re.search(r"\*\*([\d.,]+)\*\* nats a token, .*\*\*(.*) · 10(\S+)\*\*\.", words(app))
    mean, digits, power = told.groups()
    power = power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    found = math.log(float(digits)) + int(power) * math.log(10)
    assert found == pytest.approx(float(mean.replace(",", "")), abs=0.1)


def test_a_text_is_told_by_its_mean_loss_and_its_perplexity(
    open_page, assert_codes_make_the_numbers
):
    app = open_page("sentence")
    trace = load("first").trace("The king")
    logs = trace.logits.double().log_softmax(-1)
    losses = [-float(logs[i, token]) for i, token in enumerate(trace.ids[1:])]
    mean = sum(losses) / len(losses)
    assert not app.error
    assert f"is **{mean:.3f}** nats a token" in words(app)
    assert f"**{math.exp(mean):,.1f}**" in words(app)
    assert_codes_make_the_numbers({"sentence"})


@pytest.mark.parametrize("typed", ["", "x"])
def test_a_token_that_may_come_next_has_its_loss(open_page, assert_codes_make_the_numbers, typed):
    app = open_page("next", next=typed)
    lm = load("first")
    logs = lm.trace("The king").logits[-1].double().log_softmax(-1)
    token = lm.tokenizer.encode(typed)[0] if typed else int(logs.argmax())
    assert not app.error
    assert f"the loss would be **{-float(logs[token]):.3f}**" in words(app)
    assert_codes_make_the_numbers({"next_loss"})


@pytest.mark.parametrize(
    ("tab", "query", "sentence"),
    [
        ("logits", {"logits": "a"}, "“a” is no number"),
        ("logits", {"logits": "1e400"}, "too large"),
        ("logits", {"logits": "1 " * 13}, "13 numbers, and at most 12 fit; leave some out"),
        ("next", {"next": "two words"}, "is no single token of this model"),
        ("sentence", {"prompt": "T"}, "type a second one"),
        ("sentence", {"model": "void"}, "nobody can say how wrong it is; choose another model"),
        ("next", {"model": "void"}, "nobody can say how wrong it is; choose another model"),
    ],
)
def test_what_has_no_loss_ends_in_a_sentence(open_page, tab, query, sentence):
    assert sentence in words(open_page(tab, **query))


@pytest.mark.parametrize("value", ["-1", "99", "abc", "NaN", ""])
def test_what_is_no_choice_is_passed_over(open_page, value):
    for tab, key in (("logits", "target"), ("curve", "chance")):
        assert not open_page(tab, **{key: value}).error
