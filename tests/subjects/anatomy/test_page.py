"""The page Anatomy, entered through the app."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import GPTConfig, parameters
from gptviz.app import show
from gptviz.app.code import Code
from gptviz.jobs import estimate
from gptviz.subjects.anatomy import work_analysis

CODES = {
    "parts": {"parts", "sizes"},
    "family": {"family"},
    "memory": {"memory"},
    "work": {"work"},
    "weights": {"weights_histogram", "weights_spectrum", "weights_norms", "tensors"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    save_random(root / "first")
    save_random(root / "post", norm="post", tie_weights=False)
    save_random(root / "void", is_void=True)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "parts", **query: object) -> AppTest:
        return open_app("anatomy", **{"model": "first", "prompt": "a", "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error, *app.info]
    return " ".join(element.value for element in told).replace("\\", "")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"model": "post", "n_layer": 3, "tie_weights": "tied", "qkv_bias": "no"},
        {"shape": "gpt3-175b"},
        {"shape": "gpt2", "vocab_size": 65, "block_size": 1, "shape_norms": "none"},
    ],
)
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, query
):
    keys: set[str] = set()
    for tab, pictures in CODES.items():
        app = open_page(tab, **query)
        assert not app.error
        keys |= pictures
    assert_codes_make_the_numbers(keys)


def test_the_page_opens_on_the_loaded_model_and_counts_it(open_page):
    app = open_page()
    assert app.selectbox(key="shape").value == "loaded"
    caption = app.sidebar.caption[0].value
    assert f"first (loaded): {caption.split()[0]} parameters" in words(app)


def test_the_book_s_numbers_are_three_choices_away(open_page):
    app = open_page()
    app.selectbox(key="shape").set_value("gpt2").run()
    assert "GPT-2 Small: 124,439,808 parameters" in words(app)
    app.pills(key="tie_weights").set_value("own").run()
    app.pills(key="qkv_bias").set_value("no").run()
    told = words(app)
    assert "changed: 163,009,536 parameters** (124,412,160 without the output layer)" in told
    assert "attention has 2,360,064 and the MLP 4,722,432" in told
    assert "| 32 bits | 652.04 | 621.83 |" in told
    assert "12 × (768 × 2,304 + 768 × 768 + 768)" in told
    assert {"shape", "tie_weights", "qkv_bias"} <= set(app.query_params)
    app.selectbox(key="shape").set_value("gpt2-xl").run()
    assert "GPT-2 XL: 1,557,611,200 parameters" in words(app)
    assert not {"tie_weights", "qkv_bias"} & set(app.query_params)


def test_any_shape_is_counted_with_other_norms_and_positions(open_page):
    app = open_page(shape="gpt2", n_layer=1, n_head=4, n_embd=512, shape_norms="post")
    app.pills(key="shape_positions").set_value("sinusoidal").run()
    assert "changed: 28,883,968 parameters**" in words(app)
    assert {"shape_norms", "shape_positions"} <= set(app.query_params)
    app.selectbox(key="shape").set_value("gpt2-medium").run()
    assert "GPT-2 Medium: 354,823,168 parameters" in words(app)
    assert not {"shape_norms", "shape_positions"} & set(app.query_params)


def test_a_number_that_is_typed_stands_in_the_address_and_changes_the_count(open_page):
    app = open_page(shape="gpt2", n_layer=24)
    assert app.number_input(key="n_layer").value == 24
    changed = parameters.count(GPTConfig(n_layer=24))
    assert f"{changed:,} parameters" in words(app)
    app.number_input(key="n_layer").set_value(12).run()
    assert "n_layer" not in app.query_params


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"n_head": 7}, "“Width” 768 cannot be shared out among 7 heads"),
        ({"n_layer": 2000}, "“Layers” is 2000; it must be a whole number from 0 to 1000"),
        ({"n_head": 0}, "“Heads” is 0; it must be a whole number from 1 to 100000"),
        ({"vocab_size": 99_999_999}, "“Vocabulary” is 99999999"),
    ],
)
def test_a_shape_that_cannot_be_ends_in_a_sentence(open_page, query, told):
    (error,) = open_page(shape="gpt2", **query).error
    assert told in error.value.replace("\\", "")


def test_the_room_of_a_tiny_shape_is_not_told_as_0(open_page):
    query = {"n_layer": 0, "n_head": 1, "n_embd": 1, "block_size": 1, "vocab_size": 2}
    assert "| 32 bits | 0.00002 | 0.000019 |" in words(open_page(shape="gpt2", **query))


def test_a_shape_without_layers_is_counted(open_page):
    app = open_page(shape="gpt2", n_layer=0)
    assert not app.error
    assert "It has no layers." in words(app)


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²", "nan"])
def test_what_is_no_choice_is_passed_over(open_page, value):
    keys = ("shape", "n_layer", "n_embd", "vocab_size", "tie_weights", "shape_norms", "tensor")
    for tab in ("parts", "weights"):
        assert not open_page(tab, **dict.fromkeys(keys, value)).error


def test_a_shape_is_measured_when_the_button_is_pressed_and_once(open_page, monkeypatch):
    drawn: list[tuple[pd.DataFrame, Code]] = []
    monkeypatch.setattr(show, "numbers", lambda table, _, code: drawn.append((table, code)))
    made: list[object] = []
    model = work_analysis._model
    monkeypatch.setattr(work_analysis, "_model", lambda c: made.append(c) or model(c))
    app = open_page("work", n_layer=3)
    assert not made
    app.button(key="measure").click().run()
    assert not app.exception
    assert "tokens a second" in words(app)
    app.run()
    again = open_page("work", n_layer=3)
    again.button(key="measure").click().run()
    assert len(made) == 1
    table, code = drawn[-1]
    found: dict[str, pd.DataFrame] = {}
    exec(code.text, found)
    assert found["table"]["what"].tolist() == table["what"].tolist()
    assert list(found["table"]) == list(table)


def test_a_shape_that_would_not_fit_is_counted_and_has_no_button(open_page):
    app = open_page("work", shape="gpt3-175b")
    assert "its weights alone would take 698.4 GB" in words(app)
    assert "operations" in words(app)
    assert "measure" not in {button.key for button in app.button}
    told = words(open_page("memory", shape="gpt3-175b"))
    assert "training does not fit" in told or estimate.available_memory() is None


def test_another_tensor_is_chosen_by_the_address(open_page):
    app = open_page("weights", tensor="h.1.mlp.c_fc.weight")
    assert app.selectbox(key="tensor").value == "h.1.mlp.c_fc.weight"
    assert "of 8 directions" in words(app)
    vector = open_page("weights", tensor="ln_f.bias")
    assert "directions" not in words(vector)
    assert not vector.error


def test_a_broken_model_is_counted_and_its_weights_end_in_a_sentence(open_page):
    assert "parameters" in words(open_page(model="void"))
    told = words(open_page("weights", model="void"))
    assert "nothing to see in the weights; choose another model" in told
