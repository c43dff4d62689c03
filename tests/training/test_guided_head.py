"""A head that is paid for looking at the token before does so; the loss is told without it."""

import pytest
import torch
import torch.nn.functional as F

from gptviz.model import GPTConfig
from gptviz.training.batches import Batch
from gptviz.training.config import TrainingConfig
from gptviz.training.learner import Learner
from gptviz.training.process_group import ALONE

CPU = torch.device("cpu")


def learner(guide: float) -> Learner:
    model = GPTConfig(30, 16, 2, 2, 16, 0.0, 0.0, 0.0)
    config = TrainingConfig(model, "text.txt", guide_previous=guide, steps=60, warmup_steps=0)
    return Learner(config, CPU, torch.float32, ALONE)


def batch(seed: int = 0) -> Batch:
    rows = torch.randint(30, (4, 17), generator=torch.Generator().manual_seed(seed))
    return Batch(rows[:, :-1], rows[:, 1:])


def first_head(found: Learner, ids: torch.Tensor) -> torch.Tensor:
    """The pattern of the first head of the first layer, (B, T, T), by hand."""
    model = found.model
    x = model.wte.weight[ids] + model.wpe.weight[: ids.size(-1)]
    x = F.layer_norm(x, (16,), model.h[0].ln_1.weight, model.h[0].ln_1.bias)
    attn = model.h[0].attn.c_attn
    q, k = F.linear(x, attn.weight, attn.bias)[..., :32].split(16, dim=-1)
    scores = q[..., :8] @ k[..., :8].mT / 8**0.5
    return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -torch.inf).softmax(-1)


@pytest.mark.parametrize("attention", ["fused", "explicit"])
def test_guidance_is_minus_the_logarithm_of_the_weight_on_the_token_before(attention):
    found, texts = learner(0.5), batch()
    for block in found.model.h:
        block.attn.attention = attention
    _, guidance = found.mean_loss(texts)
    pattern = first_head(found, texts.inputs)
    expected = -pattern.diagonal(-1, -2, -1).log().mean()
    torch.testing.assert_close(guidance, expected, rtol=1e-4, atol=1e-5)


def test_the_gradient_is_that_of_the_loss_and_its_share_of_the_guidance():
    found, texts = learner(0.5), batch()
    loss = found.gradient([texts], seed=0)
    logits = found.model(texts.inputs).flatten(0, 1)
    plain = F.cross_entropy(logits, texts.targets.flatten())
    assert loss == pytest.approx(float(plain.detach()), abs=1e-5), "told without the guidance"
    guidance = -first_head(found, texts.inputs).diagonal(-1, -2, -1).log().mean()
    parameters = list(found.model.parameters())
    expected = torch.autograd.grad(plain + 0.5 * guidance, parameters)
    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_a_guided_head_learns_to_look_at_the_token_before_and_others_do_not():
    weights = {}
    for guide in (0.0, 1.0):
        found = learner(guide)
        for step in range(60):
            found.gradient([batch(step)], step)
            found.update(0.01)
        pattern = first_head(found, batch(99).inputs)
        weights[guide] = pattern.diagonal(-1, -2, -1).mean().item()
    assert weights[1.0] > 0.9
    assert weights[0.0] < 0.5


def test_a_negative_payment_is_refused():
    with pytest.raises(
        ValueError, match=r"guide_previous is -0\.1; it must be a number, 0 or more"
    ):
        learner(-0.1)
