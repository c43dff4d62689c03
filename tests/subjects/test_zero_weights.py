"""A model of nothing but zeros divides by nothing that is zero, on any page."""

import base64
import json
import math
import re
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from gptviz import GPT, GPTConfig, checkpoints
from gptviz.app import bundle
from gptviz.app.pages import PAGES
from gptviz.tokenizers import CharacterTokenizer

PROMPT = "abc abd abc ab"
LETTERS = CharacterTokenizer(sorted(set(string.printable)))
PLACES = {
    name: sorted(
        {
            None,
            *re.findall(r'"([a-z-]+)": Tab\(', Path(page.file).read_text(encoding="utf-8")),
        },
        key=str,
    )
    for name, page in PAGES.items()
    if page.top != "nothing"
}
NO_NUMBER = re.compile(r"\b(nan|inf|infinity|-inf)\b|∞", re.IGNORECASE)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`zero`, whose weights are all zero, and `random`, of the same shape."""
    config = GPTConfig(LETTERS.vocab_size, block_size=32, n_layer=2, n_head=2, n_embd=8)
    model = GPT(config, torch.Generator().manual_seed(0))
    checkpoints.save(tmp_path / "random", model, LETTERS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    checkpoints.save(tmp_path / "zero", model, LETTERS)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """The arrays that were sent to pictures as bytes."""
    sent: list[np.ndarray] = []
    pack = bundle.pack

    def noted(header: Any, *arrays: np.ndarray) -> bytes:
        sent.extend(arrays)
        return pack(header, *arrays)

    for module in list(sys.modules.values()):
        if getattr(module, "pack", None) is pack:
            monkeypatch.setattr(module, "pack", noted)
    return sent


def numbers(value: Any) -> Iterator[float]:
    """All numbers in what JSON holds."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, float):
        yield value


def sent_as_json(app: AppTest) -> dict[str, list[float]]:
    """The numbers of each picture that are sent as JSON."""
    drawn = (e for e in (*app.main, *app.sidebar) if e.type == "bidi_component")
    return {e.key: list(numbers(json.loads(e.proto.json))) for e in drawn if e.proto.json}


def gaps(app: AppTest) -> int:
    """How many values in charts are no number: what a chart leaves blank."""
    return sum(
        sum(not math.isfinite(value) for value in numbers_of_chart(trace.get(axis)))
        for chart in app.main.get("plotly_chart")
        for trace in json.loads(chart.proto.spec)["data"]
        for axis in ("x", "y", "z", "text", "customdata")
    )


def numbers_of_chart(value: Any) -> Iterator[float]:
    """The numbers of one row of a chart, whichever way they are sent; NaN for none."""
    if isinstance(value, dict) and "bdata" in value:
        array = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        yield from array.astype(float).tolist()
    elif isinstance(value, list):
        for each in value:
            yield from numbers_of_chart(each)
    elif value is None or isinstance(value, int | float):
        yield math.nan if value is None else float(value)


def words(app: AppTest) -> list[str]:
    told = (*app.markdown, *app.caption, *app.metric, *app.error, *app.warning, *app.info)
    return [str(element.value) for element in told]


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize(("page", "tab"), [(p, tab) for p, tabs in PLACES.items() for tab in tabs])
def test_a_model_of_zeros_sends_nothing_but_numbers(
    open_app: Callable[..., AppTest], packed: list[np.ndarray], page: str, tab: str | None
):
    query = {"prompt": PROMPT} | ({"tab": tab} if tab else {})
    usual = open_app(page, model="random", **query)
    usual_gaps, usual_packed = gaps(usual), sum(int(np.isnan(a).sum()) for a in packed)
    usual_words = words(usual)  # a page may speak of NaN, whatever the model
    packed.clear()
    app = open_app(page, model="zero", **query)
    own_words = [text for text in words(app) if text not in usual_words]
    assert not [text for text in own_words if NO_NUMBER.search(text)]
    for key, found in sent_as_json(app).items():
        assert all(map(math.isfinite, found)), key
    assert sum(int(np.isnan(array).sum()) for array in packed) <= usual_packed
    assert gaps(app) <= usual_gaps, "which some charts leave on purpose"


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("tab", ["your-tokens", "positions", "word-pairs"])
def test_vectors_without_a_length_are_told_in_a_sentence(
    open_app: Callable[..., AppTest], tab: str
):
    (told,) = (
        problem.value.replace("\\", "")
        for problem in open_app("embeddings", model="zero", prompt=PROMPT, tab=tab).error
    )
    assert told.startswith("All of these vectors are 0, and without a length none has a direction")
