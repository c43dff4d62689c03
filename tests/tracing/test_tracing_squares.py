"""Scores and patterns are made from queries and keys when asked for, and are the right ones."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

L, H, V, CONTEXT = 3, 2, 17, 9
IDS = [3, 1, 4, 1, 5]
T = len(IDS)
SQUARES = [f"h.{i}.attn.{part}" for i in range(L) for part in ("scores", "pattern")]

law = settings(max_examples=30, deadline=None)
texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=CONTEXT)


def test_scores_and_patterns_are_made_when_asked_for_and_always_the_same(lm):
    trace = lm.trace(IDS)
    kept = sum(
        {
            t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
            for name, t in trace.items()
            if name not in SQUARES and not name.endswith((".scale", ".normalized"))
        }.values()
    )
    assert trace.nbytes == kept, "squares take no memory before somebody looks"
    for name in SQUARES:
        assert torch.equal(trace[name], trace[name])
        alone = lm.trace(IDS, names=[name])
        assert list(alone) == [name]
        assert alone.nbytes == H * T * T * 4, "what was asked for, and nothing else, is kept"
        assert torch.equal(alone[name], trace[name])


@law
@given(ids=texts)
def test_what_is_made_when_asked_for_is_what_step_by_step_attention_computes(lm, ids):
    trace, same = lm.trace(ids), {name: lambda x: x for name in SQUARES}
    step_by_step = lm.trace(ids, edits=same)
    for name, activation in step_by_step.items():
        torch.testing.assert_close(trace[name], activation, rtol=1e-5, atol=1e-5)


def test_an_edit_of_a_pattern_changes_no_bit_before_its_layer(lm):
    trace = lm.trace(IDS)
    edited = lm.trace(IDS, edits={"h.1.attn.pattern": torch.zeros_like})
    names = list(trace)
    for name in names[: names.index("h.1.attn.pattern")]:
        assert torch.equal(edited[name], trace[name])
    assert not edited["h.1.attn.pattern"].any()
    assert not edited["h.1.attn.z"].any()
    assert torch.equal(
        edited["h.2.attn.pattern"],
        lm.trace(IDS, ["h.2.attn.pattern"], {"h.1.attn.pattern": torch.zeros_like})[
            "h.2.attn.pattern"
        ],
    )


def test_an_edit_of_queries_shows_in_scores_that_are_made_later(lm, close):
    edited = lm.trace(IDS, edits={"h.0.attn.q": torch.zeros_like})
    may_look = torch.ones(T, T, dtype=torch.bool).tril()
    assert not edited["h.0.attn.scores"][:, may_look].any()
    even = may_look / may_look.sum(-1, keepdim=True)
    close(edited["h.0.attn.pattern"], even.expand(H, T, T))


def test_somebody_elses_hook_on_a_pattern_sees_it(lm):
    seen = []
    hook = lm.model.h[1].attn.pattern.register_forward_hook(lambda *call: seen.append(call[2][0]))
    try:
        trace = lm.trace(IDS)
    finally:
        hook.remove()
    assert torch.equal(seen[0], trace["h.1.attn.pattern"])


def test_a_hook_on_a_pattern_sees_it_outside_a_trace_too_and_can_change_it(lm, close):
    expected = lm.trace(IDS, edits={"h.1.attn.pattern": torch.zeros_like}).logits
    hook = lm.model.h[1].attn.pattern.register_forward_hook(lambda *call: 0 * call[2])
    try:
        changed = lm.model(torch.tensor([IDS]))[0]
    finally:
        hook.remove()
    close(changed, expected)
    assert torch.equal(lm.model(torch.tensor([IDS]))[0], lm.trace(IDS).logits)


def test_a_model_with_explicit_attention_shows_the_same(lm, language_model, close):
    trace, fused = language_model(attention="explicit").trace(IDS), lm.trace(IDS)
    assert list(trace) == list(fused)
    for name in trace:
        close(trace[name], fused[name])
