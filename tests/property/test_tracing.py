"""A trace holds every activation of one run, changes nothing by looking, and obeys edits."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gptviz import tracing
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

law = settings(max_examples=30, deadline=None)

L, H, C, V, CONTEXT = 3, 2, 8, 17, 9
d = C // H
CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")
IDS = [3, 1, 4, 1, 5]
T = len(IDS)


@torch.no_grad()
def gpt(**changes) -> GPT:
    """A model without hooks whose every parameter matters."""
    shape = {"vocab_size": V, "block_size": CONTEXT, "n_layer": L, "n_head": H, "n_embd": C}
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(**{**shape, **changes}), generator)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return model.eval().requires_grad_(False)


def language_model(**changes) -> LanguageModel:
    return LanguageModel(gpt(**changes), CHARACTERS, "tiny", "tiny")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model()


texts = st.lists(st.integers(0, V - 1), min_size=1, max_size=CONTEXT)


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def normed(x: Tensor, norm: torch.nn.Module) -> Tensor:
    return F.layer_norm(x, (C,), norm.weight, norm.bias, 1e-5)


def test_a_trace_holds_every_named_activation_in_its_shape(lm):
    stream, heads, square = (T, C), (H, T, d), (H, T, T)
    in_a_block = {
        "ln_1": stream,
        "attn.q": heads,
        "attn.k": heads,
        "attn.v": heads,
        "attn.scores": square,
        "attn.pattern": square,
        "attn.z": heads,
        "attn": stream,
        "resid_mid": stream,
        "ln_2": stream,
        "mlp.pre": (T, 4 * C),
        "mlp.act": (T, 4 * C),
        "mlp": stream,
    }
    expected = {"wte": stream, "wpe": stream, "embed": stream}
    for i in range(L):
        expected |= {f"h.{i}.{name}": shape for name, shape in in_a_block.items()}
        expected[f"h.{i}"] = stream
    expected |= {"ln_f": stream, "logits": (T, V)}

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
def test_the_stream_is_the_sum_of_what_was_added_to_it(lm, ids):
    trace = lm.trace(ids)
    close(trace["embed"], trace["wte"] + trace["wpe"])
    before = trace["embed"]
    for i in range(L):
        close(trace[f"h.{i}.resid_mid"], before + trace[f"h.{i}.attn"])
        close(trace[f"h.{i}"], trace[f"h.{i}.resid_mid"] + trace[f"h.{i}.mlp"])
        before = trace[f"h.{i}"]


@law
@given(ids=texts)
def test_rows_of_a_pattern_sum_to_1_and_never_look_ahead(lm, ids):
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
def test_looking_changes_no_bit_of_the_logits(lm, ids):
    never_hooked = gpt(attention="fused")
    expected = never_hooked(torch.tensor([ids]))[0]
    close(expected, gpt()(torch.tensor([ids]))[0])
    assert torch.equal(lm.trace(ids).logits, expected)
    assert torch.equal(lm.trace(ids, names=["logits"]).logits, expected)
    assert torch.equal(lm.model(torch.tensor([ids]))[0], expected)


@law
@given(ids=texts)
def test_attention_is_what_its_own_numbers_say(lm, ids):
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
def test_the_mlp_is_what_its_own_numbers_say(activation):
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


def test_norms_read_the_stream_at_their_place(lm):
    trace = lm.trace(IDS)
    before = trace["embed"]
    for i, block in enumerate(lm.model.h):
        close(trace[f"h.{i}.ln_1"], normed(before, block.ln_1))
        close(trace[f"h.{i}.ln_2"], normed(trace[f"h.{i}.resid_mid"], block.ln_2))
        before = trace[f"h.{i}"]
    close(trace["ln_f"], normed(before, lm.model.ln_f))


def test_a_post_norm_block_normalises_the_stream_itself():
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
def test_logits_compare_the_last_norm_with_every_token(tie_weights):
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
        ("xyzzy", "there are ['wte', 'wpe', 'embed', 'h.0.ln_1'"),
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
            "11 tokens do not fit this model's context of 9; shorten the prompt by 2",
        ),
        ([0] * 10, "10 tokens do not fit this model's context of 9; shorten the prompt by 1"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused_in_words(lm, prompt, words):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        lm.trace(prompt)
    assert str(error.value) == words


def test_a_prompt_as_long_as_the_context_is_read(lm):
    assert lm.trace([0] * CONTEXT).logits.shape == (CONTEXT, V)


def test_without_its_attention_a_block_only_adds_its_mlp(lm):
    usual = lm.trace(IDS)
    trace = lm.trace(IDS, edits={"h.0.attn": torch.zeros_like})
    assert (trace["h.0.attn"] == 0).all()
    assert torch.equal(trace["h.0.resid_mid"], usual["embed"])
    block = lm.model.h[0]
    close(trace["h.0"], usual["embed"] + block.mlp(block.ln_2(usual["embed"])))
    assert not torch.equal(trace.logits, usual.logits)


def test_an_edit_with_a_star_reaches_every_layer(lm):
    trace = lm.trace(IDS, edits={"h.*.attn": torch.zeros_like, "h.*.mlp": torch.zeros_like})
    for i in range(L):
        assert torch.equal(trace[f"h.{i}"], trace["embed"])
    close(trace.logits, lm.model.unembed(lm.model.ln_f(trace["embed"])))


def test_an_even_pattern_gives_each_position_the_mean_of_the_values_so_far(lm):
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
def test_an_edit_in_place_changes_only_what_it_edits(name, norm):
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
def test_an_edit_that_fails_leaves_no_recording_behind(lm, fails_by):
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


def test_hooks_are_installed_once(lm):
    with pytest.raises(RuntimeError, match="already has its tracing hooks"):
        tracing.install(lm.model)
    with pytest.raises(RuntimeError, match="already has its tracing hooks"):
        LanguageModel(lm.model, CHARACTERS, "again", "again")


def test_a_model_that_is_looked_into_neither_learns_nor_drops_out():
    model = gpt(embd_pdrop=0.5, attn_pdrop=0.5, resid_pdrop=0.5).train().requires_grad_(True)
    lm = LanguageModel(model, CHARACTERS, "tiny", "tiny")
    assert torch.equal(lm.trace(IDS).logits, lm.trace(IDS).logits)
    assert not lm.trace(IDS).logits.requires_grad
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_tensors_that_share_memory_count_once(lm):
    assert lm.trace(IDS, names=["h.0.attn.q"]).nbytes == T * 3 * C * 4
    together = lm.trace(IDS, names=["h.0.attn.q", "h.0.attn.k", "h.0.attn.v"])
    assert together.nbytes == T * 3 * C * 4
    assert lm.trace(IDS, names=["h.0", "logits"]).nbytes == T * (C + V) * 4


SQUARES = [f"h.{i}.attn.{part}" for i in range(L) for part in ("scores", "pattern")]


def test_scores_and_patterns_are_made_when_asked_for_and_always_the_same(lm):
    trace = lm.trace(IDS)
    kept = sum(
        {
            t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
            for name, t in trace.items()
            if name not in SQUARES
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


def test_an_edit_of_queries_shows_in_scores_that_are_made_later(lm):
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


def test_a_model_with_fused_attention_shows_everything(lm):
    trace, full = language_model(attention="fused").trace(IDS), lm.trace(IDS)
    assert list(trace) == list(full)
    for name in trace:
        assert torch.equal(trace[name], full[name])
