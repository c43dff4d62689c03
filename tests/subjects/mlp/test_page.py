"""The page of the MLP, entered through the app; a browser proves the clicks."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gptviz import load

PROMPT = "The king"
CODES = {  # the pictures of each tab
    "units": {"units", "most_active"},
    "neuron": {"fires", "neuron_does"},
    "active": {"share"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, save_random: Callable[..., None]) -> Path:
    root = tmp_path_factory.mktemp("models")
    kinds: dict[str, dict[str, Any]] = {
        "first": {},
        "post": {"norm": "post"},
        "sharp": {"activation": "relu"},
        "void": {"is_void": True},
    }
    for name, more in kinds.items():
        save_random(root / name, **more)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


@pytest.fixture
def open_page(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(tab: str = "units", **query: object) -> AppTest:
        return open_app("mlp", **{"model": "first", "prompt": PROMPT, "tab": tab, **query})

    return opened


def words(app: AppTest) -> str:
    told = [*app.markdown, *app.caption, *app.error]
    return " ".join(x.value for x in told).replace("\\", "")


def board(app: AppTest, key: str) -> tuple[dict[str, Any], np.ndarray]:
    """What a board of cells was given: its header and its values."""
    component = next(e for e in app.main if e.type == "bidi_component" and e.key == key)
    data = component.proto.bytes
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    size = len(header["rows"]) * len(header["columns"])
    values = np.frombuffer(data[4 + length :][: 4 * size], "<f4")
    return header, values.reshape(len(header["rows"]), -1)


@pytest.mark.parametrize("model", ["first", "post", "sharp"])
@pytest.mark.parametrize("tab", CODES)
def test_the_code_under_each_picture_gives_its_numbers(
    open_page, assert_codes_make_the_numbers, tab, model
):
    app = open_page(tab, model=model, layer=1, position=3, prompt="To 'trace'\nit")
    assert not app.error
    assert_codes_make_the_numbers(CODES[tab])


def test_the_most_active_neurons_are_those_of_the_run(open_page):
    app = open_page(layer=1, position=2)
    act = load("first").trace(PROMPT)["h.1.mlp.act"][2].numpy()
    header, values = board(app, "neuron_board")
    first = np.argsort(-np.abs(act))[:12]
    assert header["columns"] == [str(index) for index in first]
    assert values[0] == pytest.approx(act[first], rel=1e-5)
    pre = load("first").trace(PROMPT)["h.1.mlp.pre"][2].numpy()
    assert f"{(pre > 0).sum()} of the 32 hidden units of layer 1 are above 0" in words(app)


def test_the_page_opens_on_the_neuron_that_is_most_active_here(open_page):
    app = open_page("neuron", layer=1, position=2)
    act = load("first").trace(PROMPT)["h.1.mlp.act"][2].abs()
    assert app.selectbox(key="neuron").value == str(int(act.argmax()))


def test_the_address_chooses_a_neuron_and_its_tokens_are_those_of_its_weights(open_page):
    app = open_page("neuron", layer=1, neuron=5)
    lm = load("first")
    writes = lm.model.h[1].mlp.c_proj.weight[:, 5].detach()
    effect = lm.model.wte.weight.detach() @ ((writes - writes.mean()) * lm.model.ln_f.weight)
    promoted, suppressed, _ = (frame.value for frame in app.dataframe)
    assert promoted["id"].tolist() == effect.topk(10).indices.tolist()
    assert suppressed["id"].tolist() == (-effect).topk(10).indices.tolist()
    assert "neuron 5" in words(app)


def test_active_units_are_counted_by_layer_and_token(open_page):
    header, values = board(open_page("active", layer=1, position=2), "share_board")
    trace = load("first").trace(PROMPT)
    shares = [(trace[f"h.{i}.mlp.pre"].numpy() > 0).mean(-1) for i in range(2)]
    assert values == pytest.approx(np.array(shares))
    assert header["chosen"] == [1, 2]


@pytest.mark.parametrize("tab", CODES)
def test_a_broken_model_ends_in_a_sentence(open_page, tab):
    app = open_page(tab, model="void")
    _, told = (problem.value.replace("\\", "") for problem in app.error)
    assert "nothing to see in its MLPs; choose another model" in told


@pytest.mark.parametrize("value", ["", "-1", "abc", "9" * 5000, "²", "9999"])
@pytest.mark.parametrize("tab", CODES)
def test_what_is_no_choice_is_passed_over(open_page, tab, value):
    keys = ("layer", "position", "neuron")
    assert not open_page(tab, **dict.fromkeys(keys, value)).error
