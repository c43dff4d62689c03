"""What a run writes down of its layers is what its gradients and weights are."""

import math
from collections import defaultdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptviz.model import GPT, GPTConfig
from gptviz.training.record.gradients import GroupNorms, group_of

law = settings(max_examples=25, deadline=None)


@st.composite
def models(draw) -> GPT:
    config = GPTConfig(
        vocab_size=7,
        block_size=6,
        n_layer=draw(st.integers(1, 3)),
        n_head=2,
        n_embd=8,
        tie_weights=draw(st.booleans()),
        norm=draw(st.sampled_from(["pre", "post", "none"])),
        position=draw(st.sampled_from(["learned", "sinusoidal", "none"])),
        qkv_bias=draw(st.booleans()),
    )
    return GPT(config, torch.Generator().manual_seed(draw(st.integers(0, 999)))).eval()


def backward(model: GPT) -> None:
    ids = torch.tensor([[0, 3, 1, 6, 2, 2]])
    logits = model(ids[:, :-1])
    torch.nn.functional.cross_entropy(logits[0], ids[0, 1:]).backward()


def one_step(model: GPT) -> tuple[GroupNorms, dict[str, torch.Tensor]]:
    """The norms of one step of AdamW, and the weights before it."""
    norms, optimizer = GroupNorms(model), torch.optim.AdamW(model.parameters(), lr=0.01)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    backward(model)
    norms.measure_gradient()
    norms.keep_weights()
    optimizer.step()
    norms.measure_update()
    return norms, before


def joined(tensors: list[torch.Tensor]) -> float:
    return float(torch.cat([t.detach().double().flatten() for t in tensors]).norm())


@law
@given(model=models())
def test_the_squares_of_the_groups_gradients_add_up_to_the_whole(model):
    norms, _ = one_step(model)
    whole = torch.nn.utils.clip_grad_norm_(model.parameters(), math.inf)
    found = norms.found["grad_norm"].values()
    assert math.sqrt(sum(norm**2 for norm in found)) == pytest.approx(float(whole), rel=1e-5)


@law
@given(model=models())
def test_weights_and_updates_are_measured_as_the_difference_of_before_and_after(model):
    norms, before = one_step(model)
    after = dict(model.named_parameters())
    names = defaultdict(list)
    for name in before:
        names[group_of(name)].append(name)
    assert names.keys() == norms.found["update_ratio"].keys()
    for group, members in names.items():
        moved = joined([after[name] - before[name] for name in members])
        ratio = moved / joined([before[name] for name in members])
        assert norms.found["update_ratio"][group] == pytest.approx(ratio, rel=1e-3)
        size = joined([after[name] for name in members])
        assert norms.found["weight_norm"][group] == pytest.approx(size, rel=1e-5)


@law
@given(model=models())
def test_each_group_is_a_layer_and_a_kind(model):
    config = model.config
    kinds = ["attn", "mlp"] if config.norm == "none" else ["norm", "attn", "mlp"]
    expected = {"embedding", *(f"h.{i}.{kind}" for i in range(config.n_layer) for kind in kinds)}
    expected |= {"ln_f"} if config.norm == "pre" else set()
    expected |= set() if config.tie_weights else {"lm_head"}
    assert set(GroupNorms(model).groups) == expected
