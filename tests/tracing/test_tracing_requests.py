"""A trace holds what was asked for, and what cannot be traced is refused in words."""

import pytest
import torch

C, V, CONTEXT = 8, 17, 9
IDS = [3, 1, 4, 1, 5]
T = len(IDS)


def test_names_choose_what_is_recorded(lm):
    everything = lm.trace(IDS)
    for names, expected in (
        (["h.1.attn.pattern"], ["h.1.attn.pattern"]),
        (["h.*"], ["h.0", "h.1", "h.2"]),
        (["logits", "h.*.mlp.act"], ["h.0.mlp.act", "h.1.mlp.act", "h.2.mlp.act", "logits"]),
        ((name for name in ["wte", "wte"]), ["wte"]),
        ([], []),
    ):
        trace = lm.trace(IDS, names=names)
        assert list(trace) == expected
        assert all(torch.equal(trace[name], everything[name]) for name in expected)


def test_logits_are_computed_only_where_somebody_asks_for_them(lm, monkeypatch):
    asked = []
    unembed = lm.model.unembed
    monkeypatch.setattr(lm.model, "unembed", lambda x: asked.append(x) or unembed(x))

    trace = lm.trace(IDS, names=["h.*.attn.pattern", "ln_f"])
    assert not asked
    assert torch.equal(trace["ln_f"], lm.trace(IDS)["ln_f"])
    assert len(asked) == 1

    with pytest.raises(ValueError, match="the edit of logits returned"):
        lm.trace(IDS, names=["ln_f"], edits={"logits": lambda x: x[0]})


def test_what_was_not_recorded_is_said_with_what_was(lm):
    trace = lm.trace(IDS, names=["wte", "h.0"])
    with pytest.raises(KeyError) as error:
        trace["h.1"]
    assert error.value.args == ("h.1 was not recorded in this trace; it holds wte, h.0",)
    assert "h.1" not in trace
    with pytest.raises(KeyError, match="logits was not recorded"):
        _ = trace.logits


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("h.0.attn.patern", "did you mean h.0.attn.pattern"),
        ("h.3.mlp", "did you mean h.2.mlp"),
        ("lnf", "did you mean ln_f"),
        ("xyzzy", "there are ['wte', 'wpe', 'embed', 'h.0.ln_1.scale'"),
        ("h.*.attn.q.", "did you mean h.2.attn.q"),
        ("transformer.h.0.mlp.act", "did you mean"),
    ],
)
def test_an_unknown_name_raises_with_a_hint(lm, wrong, hint):
    for ask in ({"names": [wrong]}, {"edits": {wrong: torch.zeros_like}}):
        with pytest.raises(ValueError, match="this model has no activation") as error:
            lm.trace(IDS, **ask)
        assert repr(wrong) in str(error.value)
        assert hint in str(error.value)


def test_a_lone_name_in_place_of_a_list_is_explained(lm):
    with pytest.raises(ValueError, match=r"names is the text 'logits'; it must be a list"):
        lm.trace(IDS, names="logits")


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "the prompt is empty; give the model at least one token to read"),
        ([], "the prompt is empty; give the model at least one token to read"),
        ([0, 17], "token id 17 is not in this model's vocabulary; ids run from 0 to 16"),
        ([-1], "token id -1 is not in this model's vocabulary; ids run from 0 to 16"),
        (
            "abcdefghijk",
            "11 tokens do not fit this model's context of 9; shorten the text by 2",
        ),
        ([0] * 10, "10 tokens do not fit this model's context of 9; shorten the text by 1"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused_in_words(lm, prompt, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        lm.trace(prompt)
    assert str(error.value) == words


def test_a_prompt_as_long_as_the_context_is_read(lm):
    assert lm.trace([0] * CONTEXT).logits.shape == (CONTEXT, V)


def test_tensors_that_share_memory_count_once(lm):
    assert lm.trace(IDS, names=["h.0.attn.q"]).nbytes == T * 3 * C * 4
    together = lm.trace(IDS, names=["h.0.attn.q", "h.0.attn.k", "h.0.attn.v"])
    assert together.nbytes == T * 3 * C * 4
    assert lm.trace(IDS, names=["h.0", "logits"]).nbytes == T * (C + V) * 4
