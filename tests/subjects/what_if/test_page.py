"""The page What if, entered through the app."""

import pytest
import torch

from gptviz import checkpoints, load
from gptviz.app import look
from gptviz.app.glossary import without_marks
from gptviz.subjects.what_if.changes_analysis import KINDS, PARTS, Change, effect, head_effects
from gptviz.subjects.what_if.controls import PARTS as PARTS_SHOWN
from gptviz.subjects.what_if.controls import TITLES

PROMPT = "the cat sat on"


@pytest.fixture(autouse=True)
def _root(tmp_path, monkeypatch, tiny_lm):
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


def words(app) -> str:
    return without_marks("\n".join(part.value for part in app.markdown))


def test_every_kind_of_change_has_a_title():
    assert set(TITLES) == set(KINDS)
    assert set(PARTS_SHOWN) == set(PARTS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_change_is_drawn(open_app, kind):
    app = open_app("what_if", prompt=PROMPT, change=kind, layer=1, position=3, looked_at=1)
    assert not app.error
    assert "nats (KL divergence)" in words(app)


@pytest.mark.parametrize("tab", ["text", "attention", "each-head"])
def test_every_tab_is_drawn_and_its_code_makes_its_numbers(
    open_app, assert_codes_make_the_numbers, tab
):
    app = open_app("what_if", prompt=PROMPT, change="off", part="mlp", layer=0, tab=tab)
    assert not app.error
    shown = {"text": "texts", "attention": "pattern_difference", "each-head": "each_head"}
    assert_codes_make_the_numbers({"next_token", shown[tab]})


@pytest.mark.parametrize("by", ["loss", "kl", "likeliest"])
def test_each_head_by_each_measure(open_app, assert_codes_make_the_numbers, by):
    open_app("what_if", prompt=PROMPT, tab="each-head", effect_on=by)
    assert_codes_make_the_numbers({"each_head"})


def test_the_changed_pattern_of_any_head_can_be_seen(open_app, assert_codes_make_the_numbers):
    chosen = {"prompt": PROMPT, "change": "off", "part": "mlp", "layer": 0, "tab": "attention"}
    heads = open_app("what_if", **chosen).selectbox(key="changed_head")
    first, last = heads.value, heads.options[-1].removeprefix("L").replace(" H", ".")
    assert first != last
    app = open_app("what_if", **chosen, changed_head=last)
    assert f"{', '.join(last.split('.'))})" in "".join(code.value for code in app.code)
    assert_codes_make_the_numbers({"next_token", "pattern_difference"})
    app = open_app("what_if", **chosen, changed_head="9.9")
    assert app.selectbox(key="changed_head").value == first


def test_each_head_by_a_token_that_was_typed(open_app, assert_codes_make_the_numbers, tiny_lm):
    chosen = {"prompt": PROMPT, "tab": "each-head", "effect_on": "likeliest"}
    app = open_app("what_if", **chosen, effect_token="q")
    token = tiny_lm.ids("q")[0]
    usual, *changed = (
        float(tiny_lm.trace(PROMPT, ["logits"], edits).logits[-1].softmax(-1)[token])
        for edits in ({}, *({f"h.{i}.attn.z": silent(j)} for i in range(2) for j in range(2)))
    )
    found = head_effects(tiny_lm, tuple(tiny_lm.ids(PROMPT)), "likeliest", token)
    assert found.flatten().tolist() == pytest.approx([p - usual for p in changed], abs=1e-6)
    assert_codes_make_the_numbers({"each_head"})
    assert f", 'likeliest', {token})" in "".join(code.value for code in app.code)
    app = open_app("what_if", **chosen, effect_token="no token")
    assert [error.value for error in app.error if "no single token" in error.value]


def silent(head: int):
    return lambda z: z.index_fill(0, torch.tensor(head), 0)


def test_what_was_stopped_stays_so_until_it_is_begun_again(open_app, tiny_lm):
    prompt = "stopped by its reader"
    app = open_app("what_if", prompt=prompt)
    asked = (look.model("tiny").digest, tuple(tiny_lm.ids(prompt)), "loss", None)
    app.session_state["stopped"] = (head_effects.__module__, head_effects.__qualname__, *asked)
    app.session_state["tab_title"] = "Each head in turn"
    for _ in range(2):
        app.run()
        assert "You stopped this." in words(app)
        assert len(app.get("plotly_chart")) == 1, "the next token, and no map of the heads"
    next(button for button in app.button if button.label == "Begin again").click().run()
    assert not app.error
    assert "You stopped this." not in words(app)
    assert len(app.get("plotly_chart")) == 2


def test_the_numbers_shown_are_those_of_two_runs(tiny_lm):
    change = Change("off", "attn", layer=1)
    found = effect(tiny_lm, tiny_lm.trace(PROMPT), change)
    p, q = (
        tiny_lm.trace(PROMPT, ["logits"], edits).logits[-1].softmax(-1)
        for edits in ({}, {"h.1.attn": torch.zeros_like})
    )
    for _, row in found.table.iterrows():
        assert row["before"] == pytest.approx(float(p[row["id"]]), abs=1e-6)
        assert row["after"] == pytest.approx(float(q[row["id"]]), abs=1e-6)
    assert found.kl == pytest.approx(float((p * (p / q).log()).sum()), abs=1e-6)


def test_a_cut_counts_in_all_layers_so_no_layer_is_asked_for(open_app):
    app = open_app("what_if", prompt=PROMPT, change="cut")
    assert not app.slider
    assert len(open_app("what_if", prompt=PROMPT, change="off").slider) == 2


def test_what_cannot_be_cut_is_told(open_app):
    app = open_app("what_if", prompt=PROMPT, change="cut", position=1, looked_at=5)
    assert [error.value for error in app.error if "cannot be cut" in error.value]


def test_a_single_token_has_no_loss(open_app):
    app = open_app("what_if", prompt="a", tab="each-head")
    assert not app.error
    assert [info.value for info in app.info if "single token" in info.value]


def test_presets_belong_to_the_model_on_board(open_app):
    assert "preset" not in [pills.key for pills in open_app("what_if").pills]


def test_a_preset_brings_its_text_and_its_change(open_app, monkeypatch):
    monkeypatch.delenv("GPTVIZ_CHECKPOINTS")
    app = open_app("what_if")
    app.pills(key="preset").set_value("her-or-him").run()
    assert not app.error
    assert app.session_state["prompt"].startswith("The princess")
    assert [info.value for info in app.info if "gets ahead of “her”" in info.value]
    assert load("tales").name == app.session_state["model"]
