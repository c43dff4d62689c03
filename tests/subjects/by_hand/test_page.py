"""The page Do it by hand, entered through the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gptviz import load
from gptviz.subjects import by_hand

PROMPT = "The *king*_"
TABS = ("attention", "layer-norm", "gelu", "softmax", "cross-entropy")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "first": {},
        "exact": {"activation": "gelu"},
        "sharp": {"activation": "relu"},
        "bare": {"norm": "none"},
        "void": {"is_void": True},
    }
    for name, more in kinds.items():
        save_random(root / name, n_embd=16, **more)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "attention", **query: object) -> AppTest:
        chosen = {"model": "first", "prompt": PROMPT, "tab": tab, "layer": 1, "head": 1}
        return open_app("by_hand", **{**chosen, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.success]
    return " ".join(x.value for x in told).replace("\\", "")


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def answer(app: AppTest, typed: str) -> AppTest:
    app.text_input(key="by_hand_typed").set_value(typed)
    return press(app, "Check")


@pytest.mark.parametrize("model", ["first", "exact", "sharp"])
@pytest.mark.parametrize("tab", TABS)
def test_the_code_under_each_exercise_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, tab, model
):
    app = open_page(tab, model=model, position=3, exercise=5, temperature=0.7)
    assert not app.error
    kinds = {"exact": "exact", "sharp": "relu"}
    assert_codes_make_the_numbers({f"by_hand_{kinds.get(model, tab) if tab == 'gelu' else tab}"})


@pytest.mark.parametrize("tab", TABS)
def test_the_steps_open_one_after_the_other_until_the_model_s_own_number(open_page, tab):
    app = open_page(tab, position=3)
    lm = load("first")
    trace = lm.trace(PROMPT)
    made = {
        "attention": lambda: by_hand.attention_cell(trace, 1, 1, 3, 0),
        "layer-norm": lambda: by_hand.layer_norm(lm, trace, 1, 3, 0),
        "gelu": lambda: by_hand.activation(lm, trace, 1, 3, 0),
        "softmax": lambda: by_hand.softmax(trace, 0.8, 3, 0),
        "cross-entropy": lambda: by_hand.cross_entropy(trace, 3),
    }[tab]()
    for i, step in enumerate(made.steps, start=1):
        assert app.text_input(key="by_hand_typed").label.startswith(f"Your result of step {i} of")
        assert f"**{step.shown}**" not in words(app)
        app = answer(app, step.shown.replace(".", ","))
        assert f"**{step.shown}**" in words(app)
    assert f"rounds nothing on the way, has {by_hand.written(made.steps[-1].own)}" in words(app)
    assert not [box for box in app.text_input if box.key == "by_hand_typed"]


@pytest.mark.parametrize(
    ("times", "told"),
    [(3, "Not yet"), (-1, "its sign is not"), (10, "decimal point"), (1.03, "Close")],
)
def test_a_wrong_result_is_told_and_opens_nothing(open_page, times, told):
    app = open_page("cross-entropy", position=3)
    loss = by_hand.cross_entropy(load("first").trace(PROMPT), 3).steps[0]
    app = answer(app, str(times * loss.answer))
    assert told in words(app)
    assert "step 1 of 3" in app.text_input(key="by_hand_typed").label
    app = answer(app, loss.shown)
    assert told not in words(app)


@pytest.mark.parametrize("typed", ["", "about two", "1,234.5"])
def test_what_is_no_number_gets_a_sentence(open_page, typed):
    app = answer(open_page(), typed)
    assert not app.exception
    assert "That is no number. Type digits" in words(app)


def test_a_step_can_be_shown_and_another_exercise_begins_anew(open_page):
    app = press(open_page(), "Show me")
    assert "step 2 of 4" in app.text_input(key="by_hand_typed").label
    app = press(app, "Another one")
    assert app.query_params["exercise"] == "1"
    assert "step 1 of 4" in app.text_input(key="by_hand_typed").label
    tensors = set()
    for _ in range(6):
        app = press(app, "Another one")
        (tensor,) = {c.value.split("`")[1] for c in app.caption if "attn.pattern" in c.value}
        tensors.add(tensor)
    assert len(tensors) > 2
    assert all(tensor.startswith("h.1.attn.pattern[1, ") for tensor in tensors)


def test_what_was_found_is_still_there_after_a_look_at_another_tab(open_page):
    app = press(open_page(), "Show me")
    for title in ("Loss", "Attention"):
        app.session_state["tab_title"] = title
        app.run()
    assert "step 2 of 4" in app.text_input(key="by_hand_typed").label


def test_the_exercise_of_the_address_is_the_one_that_is_asked(open_page):
    said = [words(open_page("gelu", position=4, exercise=7)) for _ in range(2)]
    assert said[0] == said[1] != words(open_page("gelu", position=4, exercise=8))


@pytest.mark.parametrize(
    ("tab", "page"),
    [
        ("attention", "Attention"),
        ("layer-norm", "Layer norms"),
        ("gelu", "MLP"),
        ("softmax", "Sampling"),
        ("cross-entropy", "Residual stream"),
    ],
)
def test_each_exercise_leads_to_the_page_that_shows_it_in_full(open_page, tab, page):
    links = [link for link in open_page(tab).main if link.type == "page_link"]
    assert [link.proto.label for link in links] == [f"See it in full on the page {page}"]


def test_at_temperature_0_there_is_nothing_to_calculate_so_it_is_1(open_page):
    app = open_page("softmax", temperature=0)
    assert "This is temperature 1" in words(app)
    assert "÷ 1" in words(app)


def test_a_single_token_has_no_loss(open_page):
    assert "Type a longer text" in words(open_page("cross-entropy", prompt="a"))
    for tab in TABS[:-1]:
        assert not open_page(tab, prompt="a").error


def test_a_model_without_norms_ends_in_a_sentence(open_page):
    (error,) = open_page("layer-norm", model="bare").error
    assert "it was built without any" in error.value.replace("\\", "")


@pytest.mark.parametrize("tab", TABS)
def test_a_broken_model_ends_in_a_sentence(open_page, tab):
    _, told = (problem.value.replace("\\", "") for problem in open_page(tab, model="void").error)
    assert "nothing to calculate; choose another model" in told


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²", "99999999"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    for tab in ("attention", "softmax"):
        keys = ("layer", "head", "position", "exercise", "temperature")
        assert not open_page(tab, **dict.fromkeys(keys, value)).error
