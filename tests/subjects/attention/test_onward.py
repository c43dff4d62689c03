"""What a head brings, where vectors come from, what a head is for: sentences by their rules."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

import gptviz
from gptviz import GPT, LanguageModel, checkpoints
from gptviz.subjects import attention

PROMPT = "one two one two"


@pytest.fixture(autouse=True)
def models(tmp_path, tiny_lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


@pytest.fixture
def said(open_app) -> Callable[..., str]:
    """The sentences of a tab."""

    def of(tab: str, prompt: str = PROMPT, **query: str) -> str:
        app = open_app("attention", prompt=prompt, tab=tab, layer="1", head="0", **query)
        assert not app.exception
        return " ".join(element.value for element in app.main.markdown)

    return of


def brought(lm: LanguageModel, query: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A row of the head's weights, and of the lengths of what it gets, as shares."""
    trace = lm.trace(PROMPT)
    weight = lm.model.h[1].attn.c_proj.weight.detach()
    d = lm.config.n_embd // lm.config.n_head
    lengths = (trace["h.1.attn.v"][0] @ weight[:, :d].T).norm(dim=-1)
    row = trace["h.1.attn.pattern"][0, query]
    return row, row * lengths / (row * lengths).sum()


def test_the_tab_says_whether_the_most_weight_brings_most(said, tiny_lm):
    sentences = set()
    for query in range(1, len(PROMPT)):
        weights, got = brought(tiny_lm, query)
        words = said("brings", position=str(query))
        key, giver = int(weights.argmax()), int(got.argmax())
        agree = key == giver
        assert ("takes most from" in words) is agree
        assert ("Weight is not contribution" in words) is not agree
        assert f"{got[giver]:.0%} of what it gets" in words
        assert f"{key} “{PROMPT[key].replace(' ', '·')}”" in words
        sentences.add(agree)
    assert sentences == {True, False}, "this text shows only one of the two"


def test_a_head_that_writes_nothing_is_said_to_bring_nothing(said, tmp_path):
    model, tokenizer = checkpoints.read(tmp_path / "tiny")
    model.h[1].attn.c_proj.weight.data[:, :4] = 0
    checkpoints.save(tmp_path / "mute", model, tokenizer)
    assert "brings 14 “o” nothing at all" in said("brings", model="mute")
    lm = gptviz.load(tmp_path / "mute")
    shares = attention.shares(attention.value_weighted(lm, lm.trace(PROMPT), 1, 0))
    assert not shares.any()


def test_rollout_says_from_where_most_comes_and_when_that_is_the_token_itself(said, tiny_lm):
    trace = tiny_lm.trace(PROMPT)
    expected = torch.eye(len(PROMPT))
    for layer in range(2):
        expected = (
            (trace[f"h.{layer}.attn.pattern"].mean(0) + torch.eye(len(expected))) / 2 @ expected
        )
    words = said("rollout")
    own, key = expected[-1, -1], int(expected[-1, :-1].argmax())
    assert own > expected[-1, key]
    assert f"still is its own most: {own:.0%}" in words
    assert f"most comes from {key} “" in words
    assert f": {expected[-1, key]:.0%}." in words
    assert "sees no other" in said("rollout", position="0")


def test_any_token_lists_what_the_head_would_look_at_and_push_towards(open_app, tiny_lm):
    app = open_app("attention", prompt=PROMPT, tab="any-token", layer="0", head="1", position="4")
    tables = [element.value for element in app.dataframe][-3:]
    found = attention.circuits(tiny_lm, 0, 1)
    token = tiny_lm.ids(PROMPT)[4]
    ov = found.ov(token)
    for table, values in zip(tables, (found.qk(token), ov, -ov), strict=True):
        best = values.topk(10)
        assert table["id"].tolist() == best.indices.tolist()
        assert table["value"].abs().tolist() == pytest.approx(best.values.abs().tolist(), abs=1e-5)
    first = [tiny_lm.tokenizer.pieces([table["id"].iloc[0]])[0] for table in tables]
    words = " ".join(element.value for element in app.main.markdown)
    assert f"most at “{first[0]}”" in words
    assert f"a push towards “{first[1]}”" in words


def test_a_model_without_numbers_says_so_in_each_tab(open_app, tmp_path):
    model, tokenizer = checkpoints.read(tmp_path / "tiny")
    model.h[1].attn.c_attn.weight.data[:] = torch.nan
    checkpoints.save(tmp_path / "torn", model, tokenizer)
    for tab in ("brings", "rollout"):
        app = open_app("attention", model="torn", prompt=PROMPT, tab=tab, layer="1", head="0")
        assert not app.exception
        assert "no number" in " ".join(element.value for element in app.error)


def test_the_scores_of_a_circuit_are_divided_as_the_model_divides(tiny_lm):
    scaled = replace(tiny_lm.config, scale_attn_by_inverse_layer_idx=True)
    model = GPT(scaled, None)
    model.load_state_dict(tiny_lm.model.state_dict())
    found = attention.circuits(LanguageModel(model, tiny_lm.tokenizer, "scaled", "scaled"), 1, 0)
    torch.testing.assert_close(2 * found.qk(5), attention.circuits(tiny_lm, 1, 0).qk(5))


def test_an_exercise_that_does_not_fit_the_model_says_so(open_app, tmp_path, tiny_lm):
    model = GPT(replace(tiny_lm.config, scale_attn_weights=False), None)
    model.load_state_dict(tiny_lm.model.state_dict())
    checkpoints.save(tmp_path / "undivided", model, tiny_lm.tokenizer)
    app = open_app("by_hand", model="undivided", prompt=PROMPT)
    assert not app.exception
    assert "another number than √d" in " ".join(element.value for element in app.error)
