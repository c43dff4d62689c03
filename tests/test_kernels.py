"""A quicker product gives the same numbers, follows the weights, and steps aside where it must."""

import copy
import itertools
import logging
import math
import re
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from gptviz import kernels
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

WIDE = GPTConfig(vocab_size=600, block_size=32, n_layer=1, n_head=4, n_embd=512)
TOKENIZER = CharacterTokenizer(map(chr, range(1000, 1600)))
IDS = torch.tensor([[5, 0, 599, 5, 17]])
LARGE = {"h.0.attn.c_attn", "h.0.mlp.c_fc", "h.0.mlp.c_proj", "compare"}  # attn.c_proj is not

needs_product = pytest.mark.skipif(
    not kernels.exact(), reason="this processor or this PyTorch has no exact quicker product"
)


def make() -> GPT:
    generator = torch.Generator().manual_seed(0)
    model = GPT(WIDE, generator).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.normal_(std=0.2, generator=generator)
    return model


@pytest.fixture
def model() -> GPT:
    return make()


@pytest.fixture(autouse=True)
def _wins_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quicker product is used whatever the measurement on this processor says."""
    monkeypatch.setattr(kernels, "margin", lambda _n_rows: math.inf)


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, object], None]]:
    """Put another operator in the place of one of oneDNN's, as another PyTorch may have it."""
    checks = (kernels.exact, kernels.layout_changes_nothing)

    def replace(name: str, other: object) -> None:
        monkeypatch.setattr(torch.ops.mkldnn, name, other)
        for check in checks:
            check.cache_clear()

    yield replace
    for check in checks:
        check.cache_clear()


def absent(*_: object) -> Tensor:
    raise AttributeError("no such operator")


def logits(model: GPT, ids: Tensor = IDS) -> Tensor:
    with torch.inference_mode():
        return model(ids)[0]


def quick(model: GPT) -> set[str]:
    """The names of the modules that have the quicker product."""
    kinds = kernels.QuickLinear | kernels.QuickDotProducts
    return {name for name, module in model.named_modules() if isinstance(module, kinds)}


def same(a: Tensor, b: Tensor) -> None:
    """Equal but for float32's own rounding."""
    assert (a - b).abs().max() < 1e-5 * b.abs().max()


def linear(lies: str = "by rows") -> nn.Linear:
    generator = torch.Generator().manual_seed(2)
    weight, bias = (torch.randn(*size, generator=generator) for size in ((700, 768), (700,)))
    if lies == "by columns":  # as in Hugging Face's files
        weight = weight.t().contiguous().t()
    layer = nn.Linear(768, 700)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer.requires_grad_(False)


def rows(n_rows: int) -> Tensor:
    return torch.randn(1, n_rows, 768, generator=torch.Generator().manual_seed(n_rows))


@needs_product
def test_large_layers_compute_what_they_did(model):
    expected, state = logits(model), model.state_dict()
    kernels.speed_up(model)
    same(logits(model), expected)
    assert quick(model) == LARGE
    assert model.state_dict().keys() == state.keys()
    assert all(model.state_dict()[name].data_ptr() == state[name].data_ptr() for name in state)


@needs_product
@pytest.mark.parametrize("lies", ["by rows", "by columns"])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 16, 33, 128, 257])
def test_each_use_of_a_layer_has_the_same_bits_as_exact_as_float32(lies, n_rows):
    layer, x = linear(lies), rows(n_rows)
    product = kernels.QuickLinear(layer, keep=True)
    first, second, third = (product(x) for _ in range(3))
    assert torch.equal(first, second)
    assert torch.equal(first, third)
    right = layer.double()(x.double())
    assert (first - right).abs().max() < kernels.TOLERANCE * right.abs().max()


@needs_product
def test_where_the_layout_changes_bits_it_is_not_used(model, operator):
    reordered = torch.ops.mkldnn._reorder_linear_weight
    operator("_reorder_linear_weight", lambda weight: reordered(1.0001 * weight))
    kernels.speed_up(model)
    assert quick(model) == LARGE
    assert torch.equal(logits(model), logits(model))


@needs_product
def test_without_the_layout_the_product_is_used_all_the_same(model, operator):
    expected = logits(model)
    operator("_reorder_linear_weight", absent)
    kernels.speed_up(model)
    assert quick(model) == LARGE
    first = logits(model)
    same(first, expected)
    assert torch.equal(logits(model), first)


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
            layer.weight = nn.Parameter(2 * layer.weight, requires_grad=False)
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


def rounded(x: Tensor, weight: Tensor, *_: object) -> Tensor:
    return nn.functional.linear(x.bfloat16(), weight.bfloat16()).float()


@pytest.mark.parametrize("other", [absent, rounded])
def test_without_an_exact_operator_the_layers_stay_as_they_are(model, other, operator):
    expected = logits(model)
    operator("_linear_pointwise", other)
    kernels.speed_up(model)
    assert not quick(model)
    assert torch.equal(logits(model), expected)


def test_where_pytorch_is_as_quick_the_layers_stay_as_they_are(model, monkeypatch):
    monkeypatch.setattr(kernels, "margin", lambda _n_rows: 0)
    expected = logits(model)
    kernels.speed_up(model)
    assert not quick(model)
    assert torch.equal(logits(model), expected)


@needs_product
@pytest.mark.parametrize("winner", ["a written token", "a read prompt"])
def test_a_written_token_and_a_read_prompt_are_chosen_apart(model, operator, monkeypatch, winner):
    multiplied = []
    product = torch.ops.mkldnn._linear_pointwise
    operator("_linear_pointwise", lambda x, *rest: multiplied.append(x) or product(x, *rest))
    wins = {
        one_row: (2.0, 1.0) if one_row == (winner == "a written token") else (1.0, 2.0)
        for one_row in (True, False)
    }
    times = {(one_row, lie): wins[one_row] for one_row in wins for lie in (True, False)}
    monkeypatch.setattr(kernels, "margin", lambda _n_rows: 0.9)
    monkeypatch.setattr(kernels, "seconds", lambda: times)
    kernels.speed_up(model)
    assert quick(model) == LARGE
    for ids, text in ((IDS[:, :1], "a written token"), (IDS, "a read prompt")):
        multiplied.clear()
        logits(model, ids)
        assert len(multiplied) == (4 if text == winner else 0)


@needs_product
def test_what_is_quicker_is_measured_once_for_all_threads_and_told(caplog):
    kernels.seconds.cache_clear()
    with caplog.at_level(logging.INFO, "gptviz"), ThreadPoolExecutor(4) as pool:
        assert all(pool.map(kernels.is_quicker, [1, 1, 2, 3], [True, False, True, False]))
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 4
    cases = itertools.product(("rows", "columns"), ("1 row", "64 rows"))
    for number, (lie, n_rows) in zip(told, cases, strict=True):
        pattern = rf"{n_rows} × weights that lie by {lie}: PyTorch [\d.]+ ms, oneDNN [\d.]+ ms"
        assert re.fullmatch(f"{pattern}, so oneDNN multiplies", number)


@needs_product
def test_a_model_that_is_too_large_for_two_layouts_keeps_one(model, operator, monkeypatch):
    asked = []
    reordered = torch.ops.mkldnn._reorder_linear_weight
    operator("_reorder_linear_weight", lambda weight: asked.append(weight) or reordered(weight))
    expected = logits(model)
    for most, more_layouts in ((1000, False), (kernels.MOST_BYTES, True)):
        monkeypatch.setattr(kernels, "MOST_BYTES", most)
        chosen = make()
        kernels.speed_up(chosen)
        assert kernels.layout_changes_nothing()
        asked.clear()
        for _ in range(3):
            same(logits(chosen), expected)
        assert bool(asked) is more_layouts


def test_bfloat16_weights_take_the_usual_way(model):
    expected = logits(model.bfloat16())
    kernels.speed_up(model)
    assert torch.equal(logits(model), expected)


@needs_product
def test_a_language_model_is_quick(model):
    lm = LanguageModel(model, TOKENIZER, "wide", "wide")
    assert quick(lm.model) == LARGE
    assert not any(module.training for module in lm.model.modules())
    same(lm.trace(IDS[0]).logits, logits(make()))


@needs_product
@pytest.mark.usefixtures("no_collector")
def test_a_quick_model_is_freed_by_reference_counting_alone():
    lm = LanguageModel(make(), TOKENIZER, "wide", "wide")
    for _ in range(2):
        lm.trace([1, 2, 3], edits={"h.0.attn.pattern": torch.zeros_like})
        assert len(list(lm.generate([1, 2, 3], 2, seed=0))) == 2
    model, weight = weakref.ref(lm.model), weakref.ref(lm.model.h[0].mlp.c_fc.weight)
    del lm
    assert model() is None
    assert weight() is None
