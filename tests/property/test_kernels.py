"""A quicker product gives the same numbers, follows the weights, and steps aside where it must."""

import copy

import pytest
import torch
from torch import Tensor

from gptviz import kernels
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

WIDE = GPTConfig(vocab_size=600, block_size=32, n_layer=1, n_head=4, n_embd=512)
IDS = torch.tensor([[5, 0, 599, 5, 17]])

needs_product = pytest.mark.skipif(
    not kernels.exact(), reason="this processor or this PyTorch has no exact quicker product"
)


@pytest.fixture
def model() -> GPT:
    generator = torch.Generator().manual_seed(0)
    model = GPT(WIDE, generator).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.normal_(std=0.2, generator=generator)
    return model


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """The number of tokens of each quicker product from here on."""
    kernels.exact()  # whose own products do not count
    kernels.layout_changes_nothing()
    found: list[int] = []
    plain = kernels._linear

    def count(x: Tensor, *rest):
        found.append(x.size(-2))
        return plain(x, *rest)

    monkeypatch.setattr(kernels, "_linear", count)
    return found


def logits(model: GPT) -> Tensor:
    with torch.inference_mode():
        return model(IDS)[0]


def same(a: Tensor, b: Tensor) -> None:
    """Equal but for float32's own rounding."""
    assert (a - b).abs().max() < 1e-5 * b.abs().max()


@needs_product
def test_large_layers_compute_what_they_did(model, calls):
    expected = logits(model)
    assert not calls
    kernels.speed_up(model)
    same(logits(model), expected)
    assert len(calls) == 4, "c_attn, both of the MLP, and the unembedding; c_proj is too small"


@needs_product
def test_only_a_layer_that_is_used_again_keeps_a_second_layout(model, monkeypatch):
    made: list[Tensor] = []
    kernels.layout_changes_nothing()  # whose own layouts do not count
    reordered = kernels._reordered
    monkeypatch.setattr(kernels, "_reordered", lambda w: made.append(w) or reordered(w))
    kernels.speed_up(model)
    first = logits(model)
    assert not made
    assert torch.equal(logits(model), first), "the second result has the same bits as the first"
    assert len(made) == 4
    assert torch.equal(logits(model), first)
    assert len(made) == 4


@needs_product
@pytest.mark.parametrize("lies", ["by rows", "by columns"])
@pytest.mark.parametrize("n_tokens", [1, 2, 3, 16, 33, 128, 257])
def test_each_use_of_a_layer_has_the_same_bits(lies, n_tokens):
    generator = torch.Generator().manual_seed(2)
    weight, bias = (torch.randn(*size, generator=generator) for size in ((700, 768), (700,)))
    if lies == "by columns":  # as in Hugging Face's files
        weight = weight.t().contiguous().t()
    x = torch.randn(1, n_tokens, 768, generator=generator)
    product = kernels._Product(keep=True)
    first, second, third = (product.linear(x, weight, bias) for _ in range(3))
    assert torch.equal(first, second)
    assert torch.equal(first, third)


@needs_product
def test_where_the_layout_changes_bits_it_is_not_used(model, monkeypatch):
    monkeypatch.setattr(kernels, "layout_changes_nothing", lambda: False)
    monkeypatch.setattr(kernels, "_reordered", None)  # calling it would fail
    kernels.speed_up(model)
    assert torch.equal(logits(model), logits(model))


@needs_product
def test_without_the_layout_the_product_is_used_all_the_same(model, calls, monkeypatch):
    def absent(weight: Tensor):  # noqa: ARG001
        raise AttributeError("no such operator")

    monkeypatch.setattr(kernels, "_reordered", absent)
    kernels.layout_changes_nothing.cache_clear()
    try:
        kernels.speed_up(model)
        assert torch.equal(logits(model), logits(model))
        assert len(calls) > 8, "two times four products, and those of the check"
    finally:
        kernels.layout_changes_nothing.cache_clear()


@needs_product
def test_a_layout_that_changes_bits_is_noticed(monkeypatch):
    reordered = kernels._reordered
    monkeypatch.setattr(kernels, "_reordered", lambda weight: reordered(1.0001 * weight))
    kernels.layout_changes_nothing.cache_clear()
    try:
        assert not kernels.layout_changes_nothing()
    finally:
        kernels.layout_changes_nothing.cache_clear()


@needs_product
def test_every_number_of_tokens_is_as_exact_as_float32(calls):
    generator = torch.Generator().manual_seed(1)
    weight, bias = (torch.randn(*size, generator=generator) for size in ((700, 768), (700,)))
    for n_tokens in (1, 2, 3, 16, 33, 128, 257):
        x = torch.randn(1, n_tokens, 768, generator=generator)
        right = torch.nn.functional.linear(x.double(), weight.double(), bias.double())
        found = kernels._Product(keep=True).linear(x, weight, bias)
        assert (found - right).abs().max() < kernels.TOLERANCE * right.abs().max()
    assert len(calls) == 7


@needs_product
@pytest.mark.parametrize("change", ["in place", "replaced"])
def test_a_changed_weight_is_followed(model, change):
    kernels.speed_up(model)
    before = logits(model)
    layer = model.h[0].mlp.c_fc
    with torch.no_grad():
        if change == "in place":
            layer.weight.mul_(2)
        else:
            layer.weight = torch.nn.Parameter(2 * layer.weight, requires_grad=False)
    plain = GPT(WIDE).eval()
    plain.load_state_dict(model.state_dict())
    assert not torch.equal(logits(model), before)
    same(logits(model), logits(plain))


@needs_product
def test_a_copy_of_a_quick_model_can_learn_and_leaves_the_first_as_it_was(model):
    kernels.speed_up(model)
    before = logits(model)
    learner = copy.deepcopy(model).requires_grad_(True)
    optimizer = torch.optim.SGD(learner.parameters(), lr=0.1)
    loss = learner(IDS).square().mean()
    loss.backward()
    assert all(parameter.grad is not None for parameter in learner.parameters())
    optimizer.step()
    with torch.inference_mode():
        assert learner(IDS).square().mean() < loss
    assert torch.equal(logits(model), before)


def test_gradients_reach_the_input_of_a_quick_layer(model):
    kernels.speed_up(model)
    x = torch.randn(1, 3, 512, requires_grad=True)
    model.unembed(x).sum().backward()
    same(x.grad[0, 0], model.unembedding.sum(0))


@pytest.mark.parametrize("missing", ["absent", "inexact"])
def test_without_an_exact_operator_the_layers_compute_as_ever(model, missing, monkeypatch):
    expected = logits(model)

    def absent(*_: object):
        raise AttributeError("no such operator")

    def rounded(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: ARG001
        return torch.nn.functional.linear(x.bfloat16(), weight.bfloat16()).float()

    monkeypatch.setattr(kernels, "_linear", absent if missing == "absent" else rounded)
    kernels.exact.cache_clear()
    try:
        assert not kernels.exact()
        kernels.speed_up(model)
        assert torch.equal(logits(model), expected)
    finally:
        kernels.exact.cache_clear()


@needs_product
def test_a_model_that_is_too_large_for_two_layouts_keeps_one(model, calls, monkeypatch):
    monkeypatch.setattr(kernels, "MOST_BYTES", 1000)
    monkeypatch.setattr(kernels, "_reordered", None)  # calling it would fail
    expected = logits(model)
    kernels.speed_up(model)
    for _ in range(3):
        same(logits(model), expected)
    assert len(calls) == 12


def test_bfloat16_weights_take_the_usual_way(model, calls):
    model.bfloat16()
    kernels.speed_up(model)
    assert logits(model).dtype == torch.bfloat16
    assert not calls


@needs_product
def test_a_language_model_is_quick(model, calls):
    tokenizer = CharacterTokenizer(map(chr, range(1000, 1600)))
    LanguageModel(model, tokenizer, "wide", "wide").trace([1, 2, 3])
    assert calls == [3, 3, 3, 3]
