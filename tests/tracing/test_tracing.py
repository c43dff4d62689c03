"""A trace holds every activation of one run, and changes nothing by looking."""

import math
import weakref

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gptviz import tracing
from gptviz.language_model import LanguageModel
from gptviz.tokenizers import CharacterTokenizer

L, H, C, V, CONTEXT = 3, 2, 8, 17, 9
d = C // H
CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")
IDS = [3, 1, 4, 1, 5]
T = len(IDS)

law = settings(max_examples=30, deadline=None)
texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=CONTEXT)


def normed(x: Tensor, norm: torch.nn.Module) -> Tensor:
    return F.layer_norm(x, (C,), norm.weight, norm.bias, 1e-5)


def test_a_trace_holds_every_named_activation_in_its_shape(lm):
    stream, heads, square = (T, C), (H, T, d), (H, T, T)
    in_a_block = {
        "ln_1.scale": (T, 1),
        "ln_1.normalized": stream,
        "ln_1": stream,
        "attn.q": heads,
        "attn.k": heads,
        "attn.v": heads,
        "attn.scores": square,
        "attn.pattern": square,
        "attn.z": heads,
        "attn": stream,
        "resid_mid": stream,
        "ln_2.scale": (T, 1),
        "ln_2.normalized": stream,
        "ln_2": stream,
        "mlp.pre": (T, 4 * C),
        "mlp.act": (T, 4 * C),
        "mlp": stream,
    }
    expected = {"wte": stream, "wpe": stream, "embed": stream}
    for i in range(L):
        expected |= {f"h.{i}.{name}": shape for name, shape in in_a_block.items()}
        expected[f"h.{i}"] = stream
    expected |= {"ln_f.scale": (T, 1), "ln_f.normalized": stream, "ln_f": stream}
    expected["logits"] = (T, V)

    trace = lm.trace(IDS)

    assert {name: tuple(tensor.shape) for name, tensor in trace.items()} == expected
    assert list(trace) == list(expected), "in the order in which the network computes them"
    assert torch.equal(trace.logits, trace["logits"])
    assert trace.ids == IDS
    assert trace.tokens == ["d", "b", "e", "b", "f"]


def test_a_text_and_its_ids_give_the_same_trace(lm):
    by_text = lm.trace("dbebf")
    assert by_text.ids == IDS
    for ids in (tuple(IDS), np.array(IDS), torch.tensor(IDS)):
        trace = lm.trace(ids)
        assert (trace.ids, trace.tokens) == (by_text.ids, by_text.tokens)
        assert torch.equal(trace.logits, by_text.logits)


@law
@given(ids=texts)
def test_the_stream_is_the_sum_of_what_was_added_to_it(lm, close, ids):
    trace = lm.trace(ids)
    close(trace["embed"], trace["wte"] + trace["wpe"])
    before = trace["embed"]
    for i in range(L):
        close(trace[f"h.{i}.resid_mid"], before + trace[f"h.{i}.attn"])
        close(trace[f"h.{i}"], trace[f"h.{i}.resid_mid"] + trace[f"h.{i}.mlp"])
        before = trace[f"h.{i}"]


@law
@given(ids=texts)
def test_rows_of_a_pattern_sum_to_1_and_never_look_ahead(lm, close, ids):
    trace = lm.trace(ids)
    ahead = torch.ones(len(ids), len(ids), dtype=torch.bool).triu(1)
    for i in range(L):
        pattern, scores = trace[f"h.{i}.attn.pattern"], trace[f"h.{i}.attn.scores"]
        close(pattern.sum(-1), torch.ones(H, len(ids)))
        assert (pattern[:, ahead] == 0).all()
        assert (pattern >= 0).all()
        assert (scores[:, ahead] == -math.inf).all()
        assert scores[:, ~ahead].isfinite().all()


@law
@given(ids=texts)
def test_looking_changes_no_bit_of_the_logits(lm, gpt, close, ids):
    never_hooked = gpt()
    expected = never_hooked(torch.tensor([ids]))[0]
    close(expected, gpt(attention="explicit")(torch.tensor([ids]))[0])
    assert torch.equal(lm.trace(ids).logits, expected)
    assert torch.equal(lm.trace(ids, names=["logits"]).logits, expected)
    assert torch.equal(lm.model(torch.tensor([ids]))[0], expected)


@law
@given(ids=texts)
def test_attention_is_what_its_own_numbers_say(lm, close, ids):
    trace = lm.trace(ids)
    for i, block in enumerate(lm.model.h):
        q, k, v = (trace[f"h.{i}.attn.{name}"] for name in "qkv")
        whole = block.attn.c_attn(trace[f"h.{i}.ln_1"])  # (T, 3C): q, then k, then v
        for part, name in enumerate("qkv"):
            for head in range(H):
                start = part * C + head * d
                close(trace[f"h.{i}.attn.{name}"][head], whole[:, start : start + d])
        for head in range(H):
            for query in range(len(ids)):
                for key in range(query + 1):
                    score = float(q[head, query] @ k[head, key]) / math.sqrt(d)
                    found = float(trace[f"h.{i}.attn.scores"][head, query, key])
                    assert found == pytest.approx(score, abs=1e-4)
        close(trace[f"h.{i}.attn.pattern"], trace[f"h.{i}.attn.scores"].softmax(-1))
        close(trace[f"h.{i}.attn.z"], trace[f"h.{i}.attn.pattern"] @ v)
        side_by_side = torch.cat(list(trace[f"h.{i}.attn.z"]), dim=-1)  # (T, C)
        close(trace[f"h.{i}.attn"], block.attn.c_proj(side_by_side))


@pytest.mark.parametrize("activation", ["gelu_tanh", "gelu", "relu"])
def test_the_mlp_is_what_its_own_numbers_say(language_model, close, activation):
    lm = language_model(activation=activation)
    trace = lm.trace(IDS)
    bend = {
        "gelu_tanh": lambda x: (
            0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        ),
        "gelu": lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2))),
        "relu": lambda x: x * (x > 0),
    }[activation]
    for i, block in enumerate(lm.model.h):
        close(trace[f"h.{i}.mlp.pre"], block.mlp.c_fc(trace[f"h.{i}.ln_2"]))
        torch.testing.assert_close(
            trace[f"h.{i}.mlp.act"], bend(trace[f"h.{i}.mlp.pre"]), rtol=1e-5, atol=1e-6
        )
        close(trace[f"h.{i}.mlp"], block.mlp.c_proj(trace[f"h.{i}.mlp.act"]))


def test_norms_read_the_stream_at_their_place(lm, close):
    trace = lm.trace(IDS)
    before = trace["embed"]
    for i, block in enumerate(lm.model.h):
        close(trace[f"h.{i}.ln_1"], normed(before, block.ln_1))
        close(trace[f"h.{i}.ln_2"], normed(trace[f"h.{i}.resid_mid"], block.ln_2))
        before = trace[f"h.{i}"]
    close(trace["ln_f"], normed(before, lm.model.ln_f))


def test_a_post_norm_block_normalises_the_stream_itself(language_model, close):
    lm = language_model(norm="post")
    trace = lm.trace(IDS)
    before = trace["embed"]
    for i, block in enumerate(lm.model.h):
        close(trace[f"h.{i}.resid_mid"], normed(before + trace[f"h.{i}.attn"], block.ln_1))
        sum_after = trace[f"h.{i}.resid_mid"] + trace[f"h.{i}.mlp"]
        close(trace[f"h.{i}"], normed(sum_after, block.ln_2))
        before = trace[f"h.{i}"]
    assert torch.equal(trace["ln_f"], before)


@pytest.mark.parametrize("tie_weights", [True, False])
def test_logits_compare_the_last_norm_with_every_token(language_model, close, tie_weights):
    lm = language_model(tie_weights=tie_weights)
    trace = lm.trace(IDS)
    matrix = lm.model.wte.weight if tie_weights else lm.model.lm_head.weight
    close(trace.logits, trace["ln_f"] @ matrix.T)


@law
@given(ids=texts, data=st.data())
def test_changing_a_token_changes_nothing_before_it(lm, ids, data):
    t = data.draw(st.integers(0, len(ids) - 1))
    other = [*ids[:t], (ids[t] + 1) % V, *ids[t + 1 :]]
    before, after = lm.trace(ids), lm.trace(other)
    for name in before:
        rows = (..., slice(None, t), slice(None))
        torch.testing.assert_close(before[name][rows], after[name][rows], rtol=1e-6, atol=1e-6)
    assert not torch.equal(before["wte"][t], after["wte"][t])


def test_hooks_are_installed_once(lm):
    with pytest.raises(RuntimeError, match="already has its tracing hooks"):
        tracing.install(lm.model)
    with pytest.raises(RuntimeError, match="already has its tracing hooks"):
        LanguageModel(lm.model, CHARACTERS, "again", "again")


@pytest.mark.usefixtures("no_collector")
def test_a_model_that_nobody_holds_is_freed_by_reference_counting_alone(language_model):
    lm = language_model()
    trace = lm.trace(IDS, edits={"h.*.attn.pattern": torch.zeros_like})
    next(lm.generate(IDS, 3, seed=0))
    with pytest.raises(ValueError, match="the edit of h"):
        lm.trace(IDS, edits={"h.0": lambda _: None})
    model = weakref.ref(lm.model)
    del lm
    assert model() is None
    assert trace["h.0.attn.scores"].shape == (H, T, T), "a trace needs no model"


def test_a_model_that_is_looked_into_neither_learns_nor_drops_out(gpt):
    model = gpt(embd_pdrop=0.5, attn_pdrop=0.5, resid_pdrop=0.5).train().requires_grad_(True)
    lm = LanguageModel(model, CHARACTERS, "tiny", "tiny")
    assert torch.equal(lm.trace(IDS).logits, lm.trace(IDS).logits)
    assert not lm.trace(IDS).logits.requires_grad
    assert not any(parameter.requires_grad for parameter in model.parameters())
