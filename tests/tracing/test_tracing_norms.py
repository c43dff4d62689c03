"""What is inside a layer norm is made when asked for, and an edit of it changes what follows."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

L, C, V, CONTEXT = 3, 8, 17, 9
IDS = [3, 1, 4, 1, 5]
T = len(IDS)
NORMS = [*(f"h.{i}.{norm}" for i in range(L) for norm in ("ln_1", "ln_2")), "ln_f"]

law = settings(max_examples=30, deadline=None)
texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=CONTEXT)


def inputs(trace, norm: str) -> dict[str, Tensor]:
    """What each norm of the model is given."""
    found, stream = {}, trace["embed"]
    for i in range(L):
        middle, after = trace[f"h.{i}.resid_mid"], trace[f"h.{i}"]
        if norm == "pre":
            found |= {f"h.{i}.ln_1": stream, f"h.{i}.ln_2": middle, "ln_f": after}
        else:
            found[f"h.{i}.ln_1"] = stream + trace[f"h.{i}.attn"]
            found[f"h.{i}.ln_2"] = middle + trace[f"h.{i}.mlp"]
        stream = after
    return found


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_scale_and_normalized_are_the_steps_of_the_norm(language_model, close, norm, epsilon):
    lm = language_model(norm=norm, layer_norm_epsilon=epsilon)
    trace = lm.trace(IDS)
    read = inputs(trace, norm)
    assert {name for name in trace if name.endswith(".scale")} == {f"{name}.scale" for name in read}
    for name, x in read.items():
        scale, normalized = trace[f"{name}.scale"], trace[f"{name}.normalized"]
        close(scale, 1 / (x.var(-1, correction=0, keepdim=True) + epsilon).sqrt())
        close(normalized, (x - x.mean(-1, keepdim=True)) * scale)
        close(normalized, F.layer_norm(x, (C,), eps=epsilon))
        module = lm.model.get_submodule(name)
        close(trace[name], module.weight * normalized + module.bias)


@law
@given(ids=texts)
def test_what_is_made_when_asked_for_is_what_the_norm_computes_step_by_step(lm, close, ids):
    same = {f"{norm}.{part}": lambda x: x for norm in NORMS for part in ("scale", "normalized")}
    step_by_step = lm.trace(ids, edits=same)
    for name, activation in lm.trace(ids).items():
        close(activation, step_by_step[name])


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_what_was_asked_for_and_nothing_else_is_kept(language_model, norm):
    lm = language_model(norm=norm)
    trace = lm.trace(IDS)
    for name, size in (("h.1.ln_2.scale", T), ("h.1.ln_2.normalized", T * C)):
        alone = lm.trace(IDS, names=[name])
        assert list(alone) == [name]
        assert alone.nbytes == 4 * size
        assert torch.equal(alone[name], trace[name])
    every = lm.trace(IDS, names=["h.*.ln_1.scale"])
    assert list(every) == [f"h.{i}.ln_1.scale" for i in range(L)]


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_an_edited_scale_changes_all_that_follows_and_nothing_before(language_model, close, norm):
    lm = language_model(norm=norm)
    usual, edited = lm.trace(IDS), lm.trace(IDS, edits={"h.1.ln_1.scale": lambda x: 2 * x})
    module = lm.model.h[1].ln_1
    close(edited["h.1.ln_1.scale"], 2 * usual["h.1.ln_1.scale"])
    close(edited["h.1.ln_1.normalized"], 2 * usual["h.1.ln_1.normalized"])
    close(edited["h.1.ln_1"], module.weight * edited["h.1.ln_1.normalized"] + module.bias)
    assert not torch.allclose(edited.logits, usual.logits)
    for name in ("embed", "h.0.ln_2", "h.0.attn.pattern", "h.0"):
        assert torch.equal(edited[name], usual[name])
    assert torch.equal(lm.trace(IDS).logits, usual.logits)


def test_without_normalized_a_norm_gives_nothing_but_its_beta(lm):
    trace = lm.trace(IDS, edits={"ln_f.normalized": torch.zeros_like})
    assert torch.equal(trace["ln_f"], lm.model.ln_f.bias.expand(T, C))
    assert not trace["ln_f.normalized"].any()


def test_an_edit_of_a_scale_that_returns_another_shape_is_refused_in_words(lm):
    with pytest.raises(ValueError, match=r"the edit of ln_f.scale .* of shape \(5, 1\)"):
        lm.trace(IDS, edits={"ln_f.scale": lambda x: x[:, 0]})


def test_a_hook_on_normalized_sees_it(lm):
    seen = []
    hook = lm.model.ln_f.normalized.register_forward_hook(lambda *call: seen.append(call[2][0]))
    try:
        trace = lm.trace(IDS)
    finally:
        hook.remove()
    assert torch.equal(seen[0], trace["ln_f.normalized"])


def test_a_model_has_these_only_where_it_has_norms(language_model):
    post, without = language_model(norm="post"), language_model(norm="none")
    with pytest.raises(ValueError, match=r"this model has no activation 'ln_f.scale'"):
        post.trace(IDS, names=["ln_f.scale"])
    with pytest.raises(ValueError, match=r"this model has no activation 'h.0.ln_1.scale'"):
        without.trace(IDS, names=["h.0.ln_1.scale"])
    assert not [name for name in without.trace(IDS) if name.endswith((".scale", ".normalized"))]
