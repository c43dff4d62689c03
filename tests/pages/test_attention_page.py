"""The attention page, entered through the app."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import plotly.io
import pytest
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import checkpoints
from gptviz.analysis import attention
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

APP = Path(__file__).parents[2] / "app.py"
TABS = ("One head", "Lines", "Arithmetic", "Map of heads", "Mean and maximum")
TRICKS = "<b>x</b><script>alert(1)</script> **a** [b](http://c.d) $x$ `y` :red[z]"
LETTERS = CharacterTokenizer.from_text("abcdefghijklmnopqrstuvwxyz ,:." + TRICKS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    for name, n_layer, n_head in (("large", 3, 4), ("one", 1, 1), ("small", 2, 2)):
        config = GPTConfig(LETTERS.vocab_size, 256, n_layer, n_head, n_embd=8)
        model = GPT(config, torch.Generator().manual_seed(0))
        checkpoints.save(root / name, model, LETTERS)
    return root


@pytest.fixture(autouse=True)
def _use(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(models))


def open_attention(prompt: str = "to be or not", model: str = "large", **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=60).switch_page("pages/attention.py")
    for key, value in {"prompt": prompt, "model": model, **query}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def component(app: AppTest, key: str) -> Any:
    return next(e for e in app.main if e.type == "bidi_component" and e.key == key).proto


def grid(app: AppTest) -> dict[str, Any]:
    """The header of what the grid of heads was given."""
    data = component(app, "attention_grid").bytes
    return json.loads(data[4 : 4 + struct.unpack_from("<I", data)[0]])


def figures(app: AppTest) -> list[Any]:
    return [plotly.io.from_json(e.proto.spec) for e in app.main if e.type == "plotly_chart"]


def array(data: Any) -> np.ndarray:
    """What Plotly sends as base64, as an array again."""
    values = np.frombuffer(base64.b64decode(data["bdata"]), f"<{data['dtype']}")
    shape = [int(size) for size in data.get("shape", str(len(values))).split(",")]
    return values.reshape(shape)


def words(app: AppTest) -> str:
    return " ".join(e.value for e in [*app.main.caption, *app.main.markdown, *app.main.info])


def controls(app: AppTest) -> tuple[int, int, int]:
    layer, head, position = (app.slider(key=key).value for key in ("layer", "head", "position"))
    return layer, head, position


def test_the_page_opens_on_all_heads_and_the_last_token():
    app = open_attention()
    assert controls(app) == (0, 0, 11)
    header = grid(app)
    assert (header["layers"], header["heads"], header["size"]) == (3, 4, 12)
    assert "`h.*.attn.pattern` · 3 × 4 × 12 × 12" in words(app)
    assert "`h.0.attn.pattern[0]` · 12 × 12" in words(app)


def test_the_url_chooses_layer_head_and_token_and_the_picture_shows_that_pattern():
    app = open_attention(layer="2", head="1", position="3")
    assert controls(app) == (2, 1, 3)
    assert grid(app)["chosen"] == [2, 1]
    (figure,) = figures(app)
    pattern = gptviz.load("large").trace("to be or not")["h.2.attn.pattern"][1]
    assert np.array_equal(array(figure.data[0].z), pattern.numpy())
    assert figure.layout.shapes[0].y0 == 2.5


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"layer": "3", "head": "4", "position": "12"}, (0, 0, 11)),
        ({"layer": "-1", "head": "99999999999999999999"}, (0, 0, 11)),
        ({"layer": "banana", "head": "H1", "position": "<script>"}, (0, 0, 11)),
        (
            {"layer": "", "head": "nan", "details": "No such tab", "without_first": "maybe"},
            (0, 0, 11),
        ),
        ({"layer": "1", "measure": "beauty", "details": "Map of heads"}, (1, 0, 11)),
    ],
)
def test_what_the_url_cannot_mean_is_dropped(query, expected):
    app = open_attention(**query)
    assert not app.error
    assert controls(app) == expected


def test_a_model_with_fewer_layers_and_heads_brings_the_choice_into_range():
    app = open_attention(layer="2", head="3")
    app.selectbox(key="model").select("small").run()
    assert not app.exception
    assert controls(app) == (1, 1, 11)
    assert grid(app)["chosen"] == [1, 1]


@pytest.mark.parametrize("tab", TABS)
def test_only_the_tab_that_is_open_is_computed(tab):
    app = open_attention(details=tab)
    assert [opened.label for opened in app.tabs if len(opened.children)] == [tab]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(("model", "prompt"), [("one", "a"), ("large", "ab"), ("small", "a " * 60)])
def test_every_tab_draws_the_shortest_and_a_long_prompt(tab, model, prompt):
    for hidden in ("false", "true"):
        app = open_attention(prompt, model, details=tab, without_first=hidden)
        assert not app.error


@pytest.mark.parametrize("tab", TABS)
def test_text_of_the_user_is_never_markdown_or_markup(tab):
    app = open_attention(TRICKS, details=tab, position="0")
    spoken = words(app)
    for trick in ("<b>", "<script>", "[b](", "$x$", "`y`", ":red["):
        assert trick not in spoken
    for figure in figures(app):
        assert "<b>" not in figure.to_json().replace("%{y}<br>", "")


def test_the_arithmetic_shows_the_numbers_of_the_chosen_query():
    app = open_attention(details="Arithmetic", layer="1", head="2", position="4")
    trace = gptviz.load("large").trace("to be or not")
    expected = attention.arithmetic(trace, 1, 2, 4)
    steps, values = figures(app)
    titles = [column.text for column in steps.layout.annotations]
    assert titles == ["q·k", "q·k ÷ √d", "weight", "weight × |v|"]
    assert np.array_equal(array(steps.data[2].x), expected.table["weight"].to_numpy())
    assert np.array_equal(array(values.data[1].z)[0], expected.z)
    assert "come later (7 of 12, hatched)" in words(app)
    assert f"at most {expected.error:.1e}" in words(app)


def test_the_numbers_behind_a_picture_can_be_shown_and_downloaded():
    app = open_attention(layer="1", head="1")
    app.toggle(key="pattern_numbers").set_value(True).run()
    pattern = gptviz.load("large").trace("to be or not")["h.1.attn.pattern"][1]
    table = attention.pattern_table(pattern, LETTERS.pieces(LETTERS.encode("to be or not")))
    assert app.dataframe[0].value.equals(table)


def test_the_map_of_heads_shows_the_chosen_measure_and_says_when_there_is_none():
    app = open_attention("abcabc", details="Map of heads", measure="induction")
    trace = gptviz.load("large").trace("abcabc")
    measures = attention.head_measures(attention.patterns(trace), trace.ids)
    assert np.array_equal(array(figures(app)[0].data[0].z), measures["induction"].numpy())
    assert not app.main.info
    app = open_attention("abc", details="Map of heads", measure="induction")
    assert "repeats nothing" in app.main.info[0].value


def test_mean_and_maximum_over_heads_are_of_the_chosen_layer():
    heads = gptviz.load("large").trace("to be or not")["h.2.attn.pattern"]
    for way, expected in (("Mean", heads.mean(0)), ("Maximum", heads.amax(0))):
        app = open_attention(details="Mean and maximum", layer="2", over_heads=way)
        assert np.array_equal(array(figures(app)[0].data[0].z), expected.numpy())


@pytest.mark.parametrize("tab", ["One head", "Lines", "Mean and maximum"])
def test_hiding_the_first_token_is_said_wherever_it_applies(tab):
    for hidden in (False, True):
        app = open_attention(details=tab, without_first=str(hidden).lower())
        labels = [caption for caption in app.main.caption if "attn.pattern" in caption.value]
        assert len(labels) == 2
        for label in labels:
            assert ("without token 0, renormalised" in label.value) is hidden
            assert ("not what the model computed" in label.value) is hidden


def test_hiding_the_first_token_renormalises_the_picture_and_blanks_its_row():
    (figure,) = figures(open_attention(without_first="true"))
    shown = array(figure.data[0].z)
    assert np.isnan(shown[0]).all()
    assert shown[1:].sum(1) == pytest.approx(1, abs=1e-5)
    assert (shown[1:, 0] == 0).all()


def test_beyond_64_tokens_the_page_says_what_it_leaves_out():
    prompt = "ab " * 40
    assert "largest weight among 2 × 2 tokens" in words(open_attention(prompt))
    (figure,) = figures(open_attention(prompt))
    assert figure.layout.xaxis.title.text.endswith("the axis names 1 of every 2 tokens")
    app = open_attention(prompt, details="Lines", position="100")
    assert "Of 120 tokens, only token 0 and tokens 38 to 100 are drawn" in words(app)
    assert json.loads(component(app, "attention_lines").json)["positions"][-1] == 100


def test_the_lines_have_the_weights_of_the_chosen_head():
    app = open_attention(details="Lines", layer="1", head="3", position="5")
    sent = json.loads(component(app, "attention_lines").json)
    pattern = gptviz.load("large").trace("to be or not")["h.1.attn.pattern"][3]
    assert sent["chosen"] == 5
    assert sent["tokens"][2] == "·"
    for query, row in enumerate(sent["weights"]):
        assert row == pytest.approx(pattern[query, : query + 1].tolist(), abs=1e-4)
