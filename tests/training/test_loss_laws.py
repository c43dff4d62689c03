"""The loss computed a few tokens at a time is that of the whole batch, in less memory."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from gptviz.training import loss

law = settings(max_examples=50, deadline=None)


def a_batch(N: int, V: int, C: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(N, C, generator=generator, requires_grad=True)
    weight = torch.randn(V, C, generator=generator, requires_grad=True)
    return hidden, weight, torch.randint(V, (N,), generator=generator)


@pytest.fixture
def groups_of_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "GROUP", 4)
    monkeypatch.setattr(loss, "CHUNK", 3)


@pytest.mark.usefixtures("groups_of_4")
@law
@given(
    N=st.integers(1, 13),
    V=st.integers(1, 9),
    C=st.integers(1, 5),
    seed=st.integers(0, 999),
    scale=st.sampled_from([1.0, 0.25]),
)
def test_cross_entropy_in_groups_has_the_value_and_gradients_of_the_whole(N, V, C, seed, scale):
    hidden, weight, targets = a_batch(N, V, C, seed)
    expected = F.cross_entropy(hidden @ weight.T, targets)
    gradients = torch.autograd.grad(expected * scale, (hidden, weight))

    found = loss.cross_entropy(hidden, weight, targets)

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for mine, theirs in zip(
        torch.autograd.grad(found * scale, (hidden, weight)), gradients, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        unlearned = loss.cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(unlearned, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("N", [1, 31, 32, 33, 1023, 1024, 1025, 2100])
def test_cross_entropy_at_its_real_group_equals_that_of_the_whole(N):
    hidden, weight, targets = a_batch(N, 37, 6, seed=0)
    expected = F.cross_entropy(hidden @ weight.T, targets)
    found = loss.cross_entropy(hidden, weight, targets)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    expected_gradients = torch.autograd.grad(expected, (hidden, weight))
    for mine, theirs in zip(
        torch.autograd.grad(found, (hidden, weight)), expected_gradients, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_cross_entropy_under_autocast_is_that_of_float32_within_bfloat16():
    hidden, weight, targets = a_batch(600, 37, 6, seed=0)
    expected = F.cross_entropy(hidden @ weight.T, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss.cross_entropy(hidden, weight, targets)
        with torch.no_grad():
            unlearned = loss.cross_entropy(hidden, weight, targets)
    assert found.dtype == torch.float32
    # bfloat16 keeps 8 bits: numbers are off by up to 1 in 256.
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(unlearned, found, rtol=1e-4, atol=1e-4)
    assert found != loss.cross_entropy(hidden, weight, targets), "it was not float32 all along"
    expected_gradients = torch.autograd.grad(expected, (hidden, weight))
    for mine, theirs in zip(
        torch.autograd.grad(found, (hidden, weight)), expected_gradients, strict=True
    ):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine, theirs, rtol=5e-2, atol=0.02 * float(theirs.abs().max()))


class Largest(TorchDispatchMode):
    """Remembers how many numbers the largest tensor held that any operation made."""

    numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.numbers = max(self.numbers, tensor.numel())
        return result


@pytest.mark.usefixtures("groups_of_4")
def test_the_logits_of_a_whole_batch_are_never_held():
    N, V, C = 50, 20, 3
    hidden, weight, targets = a_batch(N, V, C, seed=0)
    with Largest() as made:
        loss.cross_entropy(hidden, weight, targets).backward()
    assert made.numbers <= max(4 * V, N * C, V * C) < N * V
    with Largest() as made, torch.no_grad():
        loss.cross_entropy(hidden, weight, targets)
    assert made.numbers <= max(4 * V, N * C, V * C)
    with Largest() as made:
        F.cross_entropy(hidden @ weight.T, targets)
    assert made.numbers == N * V, "and this way of measuring would notice"
