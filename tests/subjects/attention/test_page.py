"""The attention page, entered through the app."""

import base64
import json
import math
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.io
import pytest
import torch
from streamlit.testing.v1 import AppTest

import gptviz
from gptviz import checkpoints
from gptviz.app import run_steps
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.subjects.attention import analysis as attention
from gptviz.tokenizers import CharacterTokenizer

TABS = {
    "one-head": "Map",
    "lines": "Lines",
    "arithmetic": "Arithmetic",
    "brings": "Brings",
    "any-token": "Any token",
    "rollout": "Rollout",
    "head-map": "All heads",
    "paint": "Paint",
    "over-heads": "Mean",
}
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


@pytest.fixture
def open_attention(open_app: Callable[..., AppTest]) -> Callable[..., AppTest]:
    def opened(prompt: str = "to be or not", model: str = "large", **query: str) -> AppTest:
        return open_app("attention", prompt=prompt, model=model, **query)

    return opened


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


def square(app: AppTest, key: str = "pattern") -> tuple[dict[str, Any], np.ndarray]:
    """The header of what a square was given, and its weights from 0 to 1."""
    data = component(app, key).bytes
    end = 4 + struct.unpack_from("<I", data)[0]
    header = json.loads(data[4:end])
    T = len(header["tokens"])
    weights = np.zeros((T, T), np.float32)
    weights[np.tril_indices(T)] = np.frombuffer(data, "<f4", offset=end + 768)
    return header, weights


def opened(app: AppTest) -> list[int]:
    """The layer and head that the page shows."""
    return grid(app)["chosen"]


def retype(app: AppTest, text: str) -> None:
    app.session_state["prompt"] = text
    app.run()


def looked_further_back(prompt: str, model: str = "large") -> torch.Tensor:
    """The largest weight of each head's last token on keys from 1 to the last but two."""
    trace = gptviz.load(model).trace(prompt)
    n_layer = gptviz.load(model).config.n_layer
    rows = torch.stack([trace[f"h.{i}.attn.pattern"][:, -1] for i in range(n_layer)])
    return rows[..., 1:-2].amax(-1)


def test_the_page_opens_on_the_head_that_looks_hardest_further_back_and_says_so(open_attention):
    app = open_attention()
    header = grid(app)
    assert (header["layers"], header["heads"], header["size"]) == (3, 4, 12)
    scores = looked_further_back("to be or not")
    layer, head = divmod(int(scores.argmax()), 4)
    assert header["chosen"] == [layer, head]
    said = next(text for text in words(app).split("**") if "looks hardest" in text)
    assert f"L{layer} H{head} opens" in words(app)
    assert f"{scores[layer, head]:.0%} of its attention" in said
    assert "`h.*.attn.pattern` · 3 × 4 × 12 × 12" in words(app)
    assert f"`h.{layer}.attn.pattern[{head}]` · 12 × 12" in words(app)
    assert square(app)[0]["chosen"] == 11
    assert not {"layer", "head", "position"} & set(app.query_params)


def test_the_head_that_opens_follows_the_text_until_one_is_chosen(open_attention):
    app = open_attention()
    texts = ("one two one two", "the cat, the dog", "a bee, a bear", "not a word, not one")
    seen = set()
    for text in texts:
        retype(app, text)
        layer, head = divmod(int(looked_further_back(text).argmax()), 4)
        assert opened(app) == [layer, head]
        seen.add((layer, head))
    assert len(seen) > 1
    app.session_state["layer"], app.session_state["head"] = 1, 2
    for text in texts:
        retype(app, text)
        assert opened(app) == [1, 2]
        assert app.query_params["layer"] == "1"
        assert app.query_params["head"] == "2"


def test_an_address_that_comes_late_takes_back_no_head_that_was_clicked(open_attention):
    app = open_attention(layer="0", head="0", position="2")
    state = app.session_state
    state["layer"], state["head"], state["position"] = 2, 3, 5
    for _ in range(2):  # as the browser sent it, before the last answer had arrived
        for key, value in {"layer": "0", "head": "0", "position": "2"}.items():
            app.query_params[key] = value
        app.run()
        assert opened(app) == [2, 3]
        assert square(app)[0]["chosen"] == 5
        assert [app.query_params[key] for key in ("layer", "head", "position")] == ["2", "3", "5"]


def test_the_open_head_stays_through_the_steps_of_a_run(
    open_app, finished_run, tmp_path, monkeypatch
):
    shutil.copytree(finished_run, tmp_path / "run")
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    app = open_app("attention", prompt="the queen speaks")
    first = opened(app)
    best = set()
    for step in Run(finished_run).snapshots:
        trace = gptviz.load(run_steps.name_at(Run(tmp_path / "run"), step)).trace(
            "the queen speaks"
        )
        rows = torch.stack([trace[f"h.{i}.attn.pattern"][:, -1, 1:-2].amax(-1) for i in (0, 1)])
        best.add(divmod(int(rows.argmax()), 2))
        app.session_state["step"] = step
        app.run()
        assert opened(app) == first
        assert ("opens" in words(app)) is (divmod(int(rows.argmax()), 2) == tuple(first))
    assert len(best) > 1, "this run shows nothing: its best head is the same at all steps"


def test_with_a_layer_in_the_address_the_best_head_of_that_layer_opens(open_attention):
    app = open_attention(layer="2")
    assert opened(app) == [2, int(looked_further_back("to be or not")[2].argmax())]
    assert "opens" not in words(app).partition("Find a head")[0]


@pytest.mark.parametrize("prompt", ["a", "ab", "abc"])
def test_a_text_too_short_to_look_further_back_says_so(open_attention, prompt):
    app = open_attention(prompt)
    assert opened(app) == [0, 0]
    assert "in so short a text" in words(app)
    assert app.button(key="find_further_back").disabled


def test_a_model_whose_weights_are_broken_is_told_so_and_offers_no_chips(
    open_app, tmp_path, monkeypatch
):
    model = GPT(GPTConfig(LETTERS.vocab_size, 16, 2, 2, n_embd=8))
    torch.nn.init.constant_(model.h[0].attn.c_attn.weight, math.nan)
    checkpoints.save(tmp_path / "broken", model, LETTERS)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    app = open_app("attention", prompt="to be or not")
    assert "the weights of this model are broken" in words(app)
    assert not [button for button in app.button if button.key.startswith("find_")]


def test_a_chip_opens_the_head_that_looks_most_there_and_the_sentence_gives_its_score(
    open_attention,
):
    app = open_attention("abcabc. ab")
    trace = gptviz.load("large").trace("abcabc. ab")
    rows = torch.stack([trace[f"h.{i}.attn.pattern"] for i in range(3)])
    by_row = [1 / (i + 1) for i in range(10)]  # what looking everywhere alike gives one token
    for key, scores, told, alike in (
        ("previous_token", rows.diagonal(-1, -2, -1).mean(-1), "the token before", by_row[1:]),
        ("first_token", rows[..., 1:, 0].mean(-1), "the first token", by_row[1:]),
        ("sentence_end", rows[..., 7:, 6].mean(-1), "the end of a sentence", by_row[7:]),
    ):
        app.button(key=f"find_{key}").click().run()
        layer, head = divmod(int(scores.argmax()), 4)
        assert opened(app) == [layer, head]
        assert f"Of all heads, **L{layer} H{head}** looks most at: " in words(app)
        alike = np.mean(alike)
        assert f"{told} **{scores[layer, head]:.0%}** ({alike:.0%})" in words(app)
        assert app.query_params["head"] == str(head)


def test_a_chip_for_what_the_text_has_not_says_so_and_cannot_be_pressed(open_attention):
    app = open_attention("abcd")
    for key in ("same_token", "induction"):
        assert app.button(key=f"find_{key}").disabled
        assert app.button(key=f"find_{key}").label.endswith(": no repeat")
    assert app.button(key="find_sentence_end").label.endswith(": none here")
    repeats = open_attention("abca")
    assert not any(
        repeats.button(key=f"find_{key}").disabled for key in ("same_token", "induction")
    )


def test_the_url_chooses_layer_head_and_token_and_the_picture_shows_that_pattern(open_attention):
    app = open_attention(layer="2", head="1", position="3")
    assert opened(app) == [2, 1]
    header, weights = square(app)
    pattern = gptviz.load("large").trace("to be or not")["h.2.attn.pattern"][1]
    assert np.abs(weights - pattern.numpy()).max() < 1e-4
    assert header["chosen"] == 3


@pytest.mark.parametrize(
    ("query", "layer", "position"),
    [
        ({"layer": "3", "head": "4", "position": "12"}, None, 11),
        ({"layer": "-1", "head": "99999999999999999999"}, None, 11),
        ({"layer": "banana", "head": "H1", "position": "<script>"}, None, 11),
        ({"layer": "", "head": "nan", "tab": "No such tab", "without_first": "maybe"}, None, 11),
        ({"layer": "1", "measure": "beauty", "position": "³"}, 1, 11),
    ],
)
def test_what_the_url_cannot_mean_is_dropped(open_attention, query, layer, position):
    app = open_attention(**query)
    assert not app.error
    scores = looked_further_back("to be or not")
    expected = list(divmod(int(scores.argmax()), 4))
    assert opened(app) == (expected if layer is None else [layer, int(scores[layer].argmax())])
    assert square(app)[0]["chosen"] == position
    assert "position" not in app.query_params
    assert "head" not in app.query_params


def test_a_model_with_fewer_layers_and_heads_brings_the_choice_into_range(open_attention):
    app = open_attention(layer="2", head="3")
    app.selectbox(key="model").select("small").run()
    assert not app.exception
    assert opened(app) == [1, 1]


def test_the_chosen_token_is_in_the_address_and_the_last_one_follows_the_text(open_attention):
    app = open_attention(position="4")
    assert app.query_params["position"] == "4"
    app.session_state["position"] = 11
    app.run()
    assert "position" not in app.query_params
    retype(app, "to be or not to be")
    assert square(app)[0]["chosen"] == 17


@pytest.mark.parametrize("tab", TABS)
def test_only_the_tab_that_is_open_is_computed(open_attention, tab):
    app = open_attention(tab=tab)
    assert [opened.label for opened in app.tabs if len(opened.children)] == [TABS[tab]]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(("model", "prompt"), [("one", "a"), ("large", "ab"), ("small", "a " * 60)])
def test_every_tab_draws_the_shortest_and_a_long_prompt(open_attention, tab, model, prompt):
    for hidden in ("false", "true"):
        app = open_attention(prompt, model, tab=tab, without_first=hidden)
        assert not app.error


@pytest.mark.parametrize("tab", TABS)
def test_text_of_the_user_is_never_markdown_or_markup(open_attention, tab):
    app = open_attention(TRICKS, tab=tab, position="0")
    spoken = words(app)
    for trick in ("<b>", "<script>", "[b](", "$x$", "`y`", ":red["):
        assert trick not in spoken
    for figure in figures(app):
        assert "<b>" not in figure.to_json().replace("%{y}<br>", "")


def test_the_arithmetic_shows_the_numbers_of_the_chosen_query(open_attention):
    app = open_attention(tab="arithmetic", layer="1", head="2", position="4")
    trace = gptviz.load("large").trace("to be or not")
    expected = attention.arithmetic(trace, 1, 2, 4)
    steps, values = figures(app)
    titles = [column.text for column in steps.layout.annotations]
    assert titles == ["q·k", "q·k ÷ √d", "weight", "weight × |v|"]
    assert np.array_equal(array(steps.data[2].x), expected.table["weight"].to_numpy())
    assert np.array_equal(array(values.data[1].z)[0], expected.z)
    assert "come later (7 of 12, hatched)" in words(app)
    assert f"at most {expected.error:.1e}" in words(app)


def test_the_numbers_behind_a_picture_can_be_shown_and_downloaded(open_attention):
    app = open_attention(layer="1", head="1")
    app.toggle(key="pattern_numbers").set_value(True).run()
    pattern = gptviz.load("large").trace("to be or not")["h.1.attn.pattern"][1]
    table = attention.pattern_table(pattern, LETTERS.pieces(LETTERS.encode("to be or not")))
    assert app.dataframe[0].value.equals(table)


def test_the_map_of_heads_shows_the_chosen_measure_and_says_when_there_is_none(open_attention):
    app = open_attention("abcabc", tab="head-map", measure="induction")
    trace = gptviz.load("large").trace("abcabc")
    measures = attention.head_measures(attention.patterns(trace), trace.ids)
    assert np.array_equal(array(figures(app)[0].data[0].z), measures["induction"].numpy())
    assert not app.main.info
    app = open_attention("abc", tab="head-map", measure="induction")
    assert "nothing of the kind" in app.main.info[0].value


def test_mean_and_maximum_over_heads_are_of_the_chosen_layer(open_attention):
    heads = gptviz.load("large").trace("to be or not")["h.2.attn.pattern"]
    for way, expected in (("mean", heads.mean(0)), ("maximum", heads.amax(0))):
        app = open_attention(tab="over-heads", layer="2", over_heads=way)
        _, weights = square(app, "mean_or_maximum")
        assert np.abs(weights - expected.numpy()).max() < 1e-4


@pytest.mark.parametrize("tab", ["one-head", "lines", "over-heads"])
def test_leaving_out_the_first_token_is_said_wherever_it_applies(open_attention, tab):
    for left_out in (False, True):
        app = open_attention(tab=tab, without_first=str(left_out).lower())
        labels = [caption for caption in app.main.caption if "attn.pattern" in caption.value]
        assert len(labels) == 2
        for label in labels:
            assert ("without token 0, renormalised" in label.value) is left_out
            assert ("not what the model computed" in label.value) is left_out


def test_leaving_out_the_first_token_renormalises_the_picture_and_blanks_its_row(open_attention):
    app = open_attention(without_first="true")
    assert app.toggle(key="without_first").label == "Leave out the first token"
    header, weights = square(app)
    assert header["blank"] == [0]
    assert weights[1:].sum(1) == pytest.approx(1, abs=1e-3)
    assert (weights[:, 0] == 0).all()


def test_beyond_64_tokens_the_page_says_what_it_leaves_out(open_attention):
    prompt = "ab " * 40
    assert "largest weight among 2 × 2 tokens" in words(open_attention(prompt))
    app = open_attention(prompt, tab="lines", position="100")
    assert "Of 120 tokens, only token 0 and tokens 38 to 100 are drawn" in words(app)
    assert json.loads(component(app, "attention_lines").json)["positions"][-1] == 100


def test_the_lines_have_the_weights_of_the_chosen_head(open_attention):
    app = open_attention(tab="lines", layer="1", head="3", position="5")
    sent = json.loads(component(app, "attention_lines").json)
    pattern = gptviz.load("large").trace("to be or not")["h.1.attn.pattern"][3]
    assert sent["chosen"] == 5
    assert sent["tokens"][2] == "·"
    for query, row in enumerate(sent["weights"]):
        assert row == pytest.approx(pattern[query, : query + 1].tolist(), abs=1e-4)
