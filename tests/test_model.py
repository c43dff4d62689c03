"""The network obeys the definition of GPT-2, in every shape that it can take."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gptviz.model import GPT, GPTConfig

# The first and last three logits of each token, as Raschka (2024, Build a Large Language Model From
# Scratch, chapter 4) prints them.
SKELETON = [
    [
        [-1.2034, 0.3201, -0.7130, -1.5548, -0.2390, -0.4667],
        [-0.1192, 0.4539, -0.4432, 0.2392, 1.3469, 1.2430],
        [0.5307, 1.6720, -0.4695, 1.1966, 0.0111, 0.5835],
        [0.0139, 1.6755, -0.3388, 1.1586, -0.0435, -1.0400],
    ],
    [
        [-1.0908, 0.1798, -0.9484, -1.6047, 0.2439, -0.4530],
        [-0.7860, 0.5581, -0.0610, 0.4835, -0.0077, 1.6621],
        [0.3567, 1.2698, -0.6398, -0.0162, -0.1296, 0.3717],
        [-0.2407, -0.7349, -0.5102, 2.0057, -0.3694, 0.1814],
    ],
]

law = settings(max_examples=30, deadline=None)

VARIANTS = list(
    itertools.product(
        ("learned", "sinusoidal", "none"),
        ("pre", "post", "none"),
        ("gelu_tanh", "gelu", "relu"),
    )
)


def config(**changes) -> GPTConfig:
    shape = {"vocab_size": 17, "block_size": 9, "n_layer": 2, "n_head": 2, "n_embd": 8}
    return GPTConfig(**{**shape, **changes})


@torch.no_grad()
def model(attention="fused", **changes) -> GPT:
    """A model whose every parameter matters: fresh biases are zero and hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    gpt = GPT(config(**changes), generator, attention)
    for parameter in gpt.parameters():
        parameter.normal_(std=0.25, generator=generator)
    return gpt.eval().requires_grad_(False)


def text(*shape: int, seed: int = 0, vocab_size: int = 17) -> torch.Tensor:
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_the_smallest_gpt2_has_124_439_808_parameters():
    with torch.device("meta"):
        assert GPT(GPTConfig()).n_parameters == 124_439_808


def test_without_blocks_and_norms_it_is_the_skeleton_that_a_book_begins_with():
    shape = GPTConfig(n_layer=0, norm="none", tie_weights=False)
    with torch.random.fork_rng():
        torch.manual_seed(123)
        parts = (nn.Embedding(50257, 768), nn.Embedding(1024, 768), nn.Linear(768, 50257, False))
        with torch.device("meta"):
            gpt = GPT(shape)
        weights = zip(("wte", "wpe", "lm_head"), parts, strict=True)
        gpt.load_state_dict({f"{n}.weight": part.weight for n, part in weights}, assign=True)
        texts = torch.tensor([[6109, 3626, 6100, 345], [6109, 1110, 6622, 257]])
        with torch.no_grad():
            logits = gpt.train()(texts)  # with its dropout
    assert logits.shape == (2, 4, 50257)
    ends = torch.cat([logits[..., :3], logits[..., -3:]], -1)
    torch.testing.assert_close(ends, torch.tensor(SKELETON), rtol=0, atol=0.51e-4)


@law
@given(
    n_layer=st.integers(1, 3),
    n_head=st.integers(1, 4),
    d=st.integers(1, 5),
    B=st.integers(1, 3),
    T=st.integers(1, 9),
    norm=st.sampled_from(["pre", "post", "none"]),
    qkv_bias=st.booleans(),
)
def test_explicit_and_fused_attention_give_the_same_logits(
    n_layer, n_head, d, B, T, norm, qkv_bias
):
    shape = {"n_layer": n_layer, "n_head": n_head, "n_embd": n_head * d}
    explicit = model(**shape, norm=norm, qkv_bias=qkv_bias, attention="explicit")
    fused = model(**shape, norm=norm, qkv_bias=qkv_bias)
    close(explicit(text(B, T)), fused(text(B, T)))


@law
@given(
    T=st.integers(1, 9),
    cuts=st.sets(st.integers(1, 8)),
    B=st.integers(1, 3),
    position=st.sampled_from(["learned", "sinusoidal", "none"]),
)
@pytest.mark.parametrize("attention", ["explicit", "fused"])
def test_a_text_read_piece_by_piece_gives_the_logits_of_the_whole(attention, T, cuts, B, position):
    gpt = model(attention=attention, position=position)
    ids = text(B, T)
    cache = gpt.new_cache(batch_size=B)
    edges = [0, *sorted(cut for cut in cuts if cut < T), T]
    pieces = [gpt(ids[:, start:end], cache) for start, end in itertools.pairwise(edges)]
    close(torch.cat(pieces, dim=1), gpt(ids))
    assert all(layer.length == T for layer in cache)


def test_fused_attention_goes_step_by_step_only_while_somebody_looks_inside():
    gpt, seen = model(), []
    expected = gpt(text(1, 9))
    hook = gpt.h[0].attn.scores.register_forward_hook(lambda *call: seen.append(call[2]))
    close(gpt(text(1, 9)), expected)
    assert seen[0].shape == (1, 2, 9, 9)
    hook.remove()
    assert torch.equal(gpt(text(1, 9)), expected)
    assert len(seen) == 1


def test_a_cache_keeps_the_memory_that_it_was_given():
    gpt = model()
    cache = gpt.new_cache()
    before = [(layer.keys.data_ptr(), layer.values.data_ptr()) for layer in cache]
    for piece in text(1, 9).split(3, dim=1):
        gpt(piece, cache)
    assert [(layer.keys.data_ptr(), layer.values.data_ptr()) for layer in cache] == before
    assert len(cache) == 2
    assert cache[0].keys.shape == (1, 2, 9, 4)
    assert gpt.new_cache(size=5)[0].values.shape == (1, 2, 5, 4)


def test_a_cache_that_is_full_says_so():
    gpt = model()
    cache = gpt.new_cache(size=5)
    gpt(text(1, 5), cache)
    with pytest.raises(ValueError, match=r"^6 positions do not fit this cache of 5; make a larger"):
        gpt(text(1, 1), cache)


@pytest.mark.parametrize("read_before", [0, 1, 9])
def test_a_text_longer_than_the_context_is_refused_in_words(read_before):
    gpt = model()
    cache = gpt.new_cache()
    if read_before:
        gpt(text(1, read_before), cache)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        gpt(text(1, 11 - read_before), cache)
    assert str(error.value) == (
        "11 tokens do not fit this model's context of 9; shorten the text by 2"
    )


@pytest.mark.parametrize(("position", "norm", "activation"), VARIANTS)
def test_every_variant_runs_and_never_looks_ahead(position, norm, activation):
    for qkv_bias, tie_weights, attention in itertools.product(
        (True, False), (True, False), ("explicit", "fused")
    ):
        gpt = model(
            position=position,
            norm=norm,
            activation=activation,
            qkv_bias=qkv_bias,
            tie_weights=tie_weights,
            attention=attention,
        )
        # Row 0 is a text; in row t + 1 its token t is another one.
        ids = text(1, 6).repeat(7, 1)
        ids[1:].diagonal().add_(1).remainder_(17)
        logits = gpt(ids)
        assert logits.shape == (7, 6, 17)
        assert logits.isfinite().all()
        for t, changed in enumerate(logits[1:]):
            torch.testing.assert_close(changed[:t], logits[0, :t], rtol=1e-6, atol=1e-6)
            assert not torch.allclose(changed[t], logits[0, t])


def test_each_setting_changes_the_result():
    ids = text(1, 6)
    usual = model()(ids)
    for change in (
        {"position": "sinusoidal"},
        {"position": "none"},
        {"norm": "post"},
        {"norm": "none"},
        {"residual": False},
        {"activation": "gelu"},
        {"activation": "relu"},
        {"qkv_bias": False},
        {"tie_weights": False},
        {"layer_norm_epsilon": 0.5},
    ):
        assert not torch.equal(model(**change)(ids), usual), change


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vocab_size": 0}, "vocab_size is 0; it must be a whole number, 1 or more"),
        ({"block_size": -1}, "block_size is -1; it must be a whole number, 1 or more"),
        ({"n_layer": -1}, "n_layer is -1; it must be"),
        ({"n_head": 0}, "n_head is 0; it must be"),
        ({"n_embd": 8.0}, "n_embd is 8.0; it must be"),
        ({"n_layer": True}, "n_layer is True; it must be"),
        ({"n_layer": "2"}, "n_layer is '2'; it must be"),
        ({"n_embd": 10, "n_head": 4}, "n_embd 10 cannot be shared out among 4 heads"),
        ({"embd_pdrop": 1.0}, "embd_pdrop is 1.0; it must be a number, at least 0 and below 1"),
        ({"attn_pdrop": -0.1}, "attn_pdrop is -0.1; it must be a number"),
        ({"resid_pdrop": math.nan}, "resid_pdrop is nan; it must be a number"),
        ({"resid_pdrop": "0.1"}, "resid_pdrop is '0.1'; it must be a number"),
        ({"position": "rotary"}, "position is 'rotary'; it must be one of 'learned', 'sinusoidal'"),
        ({"norm": None}, "norm is None; it must be one of 'pre', 'post', 'none'"),
        ({"activation": "silu"}, "activation is 'silu'; it must be one of 'gelu_tanh', 'gelu'"),
        (
            {"n_embd": 9, "n_head": 3, "position": "sinusoidal"},
            "positions as waves need an even number",
        ),
        ({"layer_norm_epsilon": 0.0}, "layer_norm_epsilon is 0.0; it must be a number above 0"),
        (
            {"layer_norm_epsilon": math.nan},
            "layer_norm_epsilon is nan; it must be a number above 0",
        ),
        ({"layer_norm_epsilon": "1e-5"}, "layer_norm_epsilon is '1e-5'; it must be"),
        ({"qkv_bias": "no"}, "qkv_bias is 'no'; it must be true or false"),
        ({"tie_weights": 1}, "tie_weights is 1; it must be true or false"),
        ({"residual": 0}, "residual is 0; it must be true or false"),
        (
            {"residual": False, "norm": "post"},
            "without residual there are none, so choose norm pre",
        ),
        ({"attention": False, "mlp": False}, "blocks without attention and mlp do nothing"),
        ({"mlp": "no"}, "mlp is 'no'; it must be true or false"),
        ({"attention": False, "residual": False}, "without residual each part takes the place"),
        ({"n_layer": 0, "residual": False}, "without residual each part takes the place"),
        ({"n_layer": 0, "norm": "post"}, "with n_layer 0 there are none; choose norm pre or none"),
    ],
)
def test_a_config_that_cannot_work_raises_with_the_reason(changes, reason):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared
        config(**changes)
    assert reason in str(error.value)


@pytest.mark.parametrize("norm", ["pre", "none"])
def test_without_shortcuts_each_part_replaces_what_it_reads(norm):
    gpt, ids = model(residual=False, norm=norm), text(1, 6)
    x = gpt.embed(gpt.wte(ids) + gpt.wpe(torch.arange(6)))
    for block in gpt.h:
        for part, own in ((block.attn, block.ln_1), (block.mlp, block.ln_2)):
            x = part(own(x))
    close(gpt.hidden(ids), gpt.ln_f(x))
    usual = model(norm=norm)
    assert usual.state_dict().keys() == gpt.state_dict().keys(), "the same weights, other sums"


def test_tied_weights_are_one_matrix_and_untied_ones_are_two():
    tied, untied = model(), model(tie_weights=False)
    assert tied.unembedding is tied.wte.weight
    assert untied.unembedding is not untied.wte.weight
    assert untied.n_parameters == tied.n_parameters + 17 * 8


def test_positions_and_biases_that_are_off_have_no_parameters():
    everything = model().n_parameters
    assert model(position="sinusoidal").n_parameters == everything - 9 * 8
    assert model(position="none").n_parameters == everything - 9 * 8
    assert model(qkv_bias=False).n_parameters == everything - 2 * 3 * 8
    assert model(norm="post").n_parameters == everything - 2 * 8  # no norm after the last block
    assert model(norm="none").n_parameters == everything - (2 * 2 + 1) * 2 * 8


def test_sinusoidal_positions_are_the_waves_of_the_paper():
    waves = model(position="sinusoidal").wpe(torch.arange(9).unsqueeze(0))[0]
    for position, i in itertools.product(range(9), range(0, 8, 2)):
        angle = position / 10_000 ** (i / 8)
        assert waves[position, i].item() == pytest.approx(math.sin(angle), abs=1e-6)
        assert waves[position, i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_without_positions_one_layer_cannot_tell_the_order_of_earlier_tokens():
    ids, shuffled = torch.tensor([[3, 1, 4, 2, 5]]), torch.tensor([[4, 3, 2, 1, 5]])
    blind, usual = model(position="none", n_layer=1), model(n_layer=1)
    close(blind(ids)[:, -1], blind(shuffled)[:, -1])
    assert not torch.allclose(usual(ids)[:, -1], usual(shuffled)[:, -1])


@pytest.mark.parametrize("place", ["embd_pdrop", "attn_pdrop", "resid_pdrop"])
@pytest.mark.parametrize("attention", ["explicit", "fused"])
def test_each_dropout_acts_in_training_and_only_there(place, attention):
    none = {"embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0}
    without = model(**none, attention=attention)
    gpt = model(**{**none, place: 0.5}, attention=attention)
    ids = text(2, 9)
    close(without.train()(ids), without.eval()(ids))
    close(gpt(ids), without(ids))
    gpt.train()
    assert not torch.allclose(gpt(ids), without(ids))
    assert not torch.allclose(gpt(ids), gpt(ids))


def test_the_same_seed_draws_the_same_weights():
    def drawn(seed: int) -> list[torch.Tensor]:
        return list(GPT(config(), torch.Generator().manual_seed(seed)).parameters())

    assert all(map(torch.equal, drawn(1), drawn(1)))
    assert not all(map(torch.equal, drawn(1), drawn(2)))


@pytest.mark.parametrize("n_layer", [1, 8])
def test_weights_are_drawn_with_the_spread_of_gpt2(n_layer):
    big = {"vocab_size": 400, "block_size": 200, "n_embd": 96, "tie_weights": False}
    gpt = GPT(config(**big, n_layer=n_layer), torch.Generator().manual_seed(0))
    for name, parameter in gpt.named_parameters():
        if parameter.dim() == 1:
            is_gain = "ln_" in name and name.endswith("weight")
            assert (parameter == float(is_gain)).all(), name
            continue
        expected = 0.02 / math.sqrt(2 * n_layer) if "c_proj" in name else 0.02
        # The spread of n draws is itself known to 1 / √(2n); five times that never happens.
        margin = 5 * expected / math.sqrt(2 * parameter.numel())
        assert parameter.std().item() == pytest.approx(expected, abs=margin), name
        assert abs(parameter.mean().item()) < 5 * expected / math.sqrt(parameter.numel())
