"""The rest of a run is computed from what an edit made of an activation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

L, V, CONTEXT = 3, 17, 9
IDS = [3, 1, 4, 1, 5]
T = len(IDS)

law = settings(max_examples=30, deadline=None)
texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=CONTEXT)


def test_without_its_attention_a_block_only_adds_its_mlp(lm, close):
    usual = lm.trace(IDS)
    trace = lm.trace(IDS, edits={"h.0.attn": torch.zeros_like})
    assert (trace["h.0.attn"] == 0).all()
    assert torch.equal(trace["h.0.resid_mid"], usual["embed"])
    block = lm.model.h[0]
    close(trace["h.0"], usual["embed"] + block.mlp(block.ln_2(usual["embed"])))
    assert not torch.equal(trace.logits, usual.logits)


def test_an_edit_with_a_star_reaches_every_layer(lm, close):
    trace = lm.trace(IDS, edits={"h.*.attn": torch.zeros_like, "h.*.mlp": torch.zeros_like})
    for i in range(L):
        assert torch.equal(trace[f"h.{i}"], trace["embed"])
    close(trace.logits, lm.model.unembed(lm.model.ln_f(trace["embed"])))


def test_an_even_pattern_gives_each_position_the_mean_of_the_values_so_far(lm, close):
    count = torch.arange(1.0, T + 1).unsqueeze(-1)  # (T, 1)

    def even(pattern: Tensor) -> Tensor:
        return torch.ones_like(pattern).tril() / count

    trace = lm.trace(IDS, edits={"h.1.attn.pattern": even})
    close(trace["h.1.attn.z"], trace["h.1.attn.v"].cumsum(-2) / count)


@law
@given(ids=texts, data=st.data())
def test_a_patched_stream_ends_as_the_run_that_it_came_from(lm, ids, data):
    other = data.draw(st.lists(st.integers(0, V - 1), min_size=len(ids), max_size=len(ids)))
    source = lm.trace(other)
    patched = lm.trace(ids, edits={"h.1": lambda _: source["h.1"]})
    for name in ("h.1", "h.2.attn.pattern", "h.2", "ln_f", "logits"):
        assert torch.equal(patched[name], source[name]), name
    assert torch.equal(patched["h.0"], lm.trace(ids)["h.0"])


@pytest.mark.parametrize("norm", ["pre", "none"])
@pytest.mark.parametrize("name", ["wte", "h.0.ln_1", "h.0.attn.q", "h.1.attn.v", "h.0.mlp.pre"])
def test_an_edit_in_place_changes_only_what_it_edits(language_model, name, norm):
    lm = language_model(norm=norm)
    weights = [parameter.clone() for parameter in lm.model.parameters()]
    usual = lm.trace(IDS)
    in_place = lm.trace(IDS, edits={name: lambda x: x.mul_(0)})
    anew = lm.trace(IDS, edits={name: lambda x: x * 0})
    names = list(usual)
    for earlier in names[: names.index(name)]:
        assert torch.equal(in_place[earlier], usual[earlier]), earlier
    for any_name in names:
        assert torch.equal(in_place[any_name], anew[any_name]), any_name
    assert all(map(torch.equal, weights, lm.model.parameters()))


def test_an_edit_sees_what_earlier_edits_left(lm):
    seen = {}

    def look(name: str):
        return lambda x: seen.setdefault(name, x.clone())

    edits = {
        "h.0": lambda x: x + 1,
        "h.1.resid_mid": look("h.1.resid_mid"),
        "h.1.attn": torch.zeros_like,
    }
    trace = lm.trace(IDS, edits=edits)
    assert torch.equal(seen["h.1.resid_mid"], trace["h.0"])
    assert torch.equal(trace["h.0"], lm.trace(IDS)["h.0"] + 1)


@pytest.mark.parametrize(
    ("edit", "came"),
    [
        (lambda x: x[:-1], "a tensor of shape (4, 8) and type torch.float32"),
        (lambda x: x.unsqueeze(0), "a tensor of shape (1, 5, 8) and type torch.float32"),
        (lambda x: x.double(), "a tensor of shape (5, 8) and type torch.float64"),
        (lambda x: x.numpy(), "a ndarray"),
        (lambda _: None, "a NoneType"),
    ],
)
def test_an_edit_that_returns_something_else_is_refused_in_words(lm, edit, came):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        lm.trace(IDS, edits={"h.0.attn": edit})
    assert str(error.value) == (
        f"the edit of h.0.attn returned {came}; "
        f"it must return a tensor of shape (5, 8) and type torch.float32"
    )


@pytest.mark.parametrize("fails_by", ["raising", "returning nonsense"])
def test_an_edit_that_fails_leaves_no_recording_behind(lm, language_model, fails_by):
    calls = []

    def fail(x: Tensor) -> Tensor:
        calls.append(x)
        if fails_by == "raising":
            raise LookupError("from the edit")
        return x[:0]

    with pytest.raises((LookupError, ValueError), match="the edit"):
        lm.trace(IDS, edits={"h.1.mlp": fail})
    lm.model(torch.tensor([IDS]))
    assert len(calls) == 1
    assert torch.equal(lm.trace(IDS).logits, language_model().trace(IDS).logits)


def test_an_edit_may_run_the_model_itself(lm):
    other = [7, 7, 7, 7, 7]

    def ask_the_model(x: Tensor) -> Tensor:
        lm.model(torch.tensor([other]))
        next(lm.generate(other, 1))
        return lm.trace(other)["h.0"] + 0 * x

    trace = lm.trace(IDS, edits={"h.0": ask_the_model})
    assert torch.equal(trace["h.0"], lm.trace(other)["h.0"])
    assert torch.equal(trace["h.0.attn"], lm.trace(IDS)["h.0.attn"])
    assert torch.equal(trace["embed"], lm.trace(IDS)["embed"])
