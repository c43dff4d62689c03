"""Each optimiser corrects by its formula, and a run with it resumes exactly."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gptviz.jobs.worker import work
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig
from gptviz.training.optimizer import empty_memory, new_optimizer, numbers_kept

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
MODEL = GPTConfig(len(set(TEXT)), 8, 2, 2, 8, 0.1, 0.1, 0.1)
needs_muon = pytest.mark.skipif(
    not hasattr(torch.optim, "Muon"), reason="Muon comes with PyTorch 2.9"
)
OPTIMIZERS = ["sgd", "momentum", "adam", "adamw", pytest.param("muon", marks=needs_muon)]


def config(data: str = "text.txt", **changes) -> TrainingConfig:
    usual = {
        "tokenizer": "char",
        "batch_size": 4,
        "steps": 12,
        "warmup_steps": 0,
        "learning_rate": 0.02,
        "min_learning_rate": 0.02,
        "eval_interval": 4,
        "precision": "float32",
        "optimizer": "muon",
        "snapshots": 0,
    }
    return TrainingConfig(model=MODEL, data=data, **{**usual, **changes})


@needs_muon
@pytest.mark.parametrize("tied", [True, False])
def test_muon_makes_all_directions_of_a_blocks_matrices_equally_long(tied):
    model = GPT(replace(MODEL, tie_weights=tied), torch.Generator().manual_seed(0))
    optimizer = new_optimizer(model, config(weight_decay=0.0))
    generator = torch.Generator().manual_seed(1)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    optimizer.step()
    for name, parameter in model.named_parameters():
        update = before[name] - parameter.detach()
        if name.startswith("h.") and parameter.dim() == 2:
            # As large as AdamW's usual update: 0.2 × rate a number, or 0.2 × rate × √longest side
            # in every direction. Five rounds of Newton and Schulz leave 0.7 to 1.2 of that.
            wanted = 0.02 * 0.2 * max(parameter.shape) ** 0.5
            lengths = torch.linalg.svdvals(update) / wanted
            assert lengths.min() > 0.5, name
            assert lengths.max() < 1.5, name
        else:  # AdamW's first step is the rate in every number
            torch.testing.assert_close(update.abs(), torch.full_like(update, 0.02))


@needs_muon
def test_every_parameter_has_one_optimizer_and_matrices_alone_are_decayed():
    model = GPT(MODEL)
    optimizer = new_optimizer(model, config(weight_decay=0.3))
    groups = [
        (id(p), group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]
    ]
    assert sorted(name for name, _ in groups) == sorted(id(p) for p in model.parameters())
    decay = dict(groups)
    for name, parameter in model.named_parameters():
        assert decay[id(parameter)] == (0.3 if parameter.dim() == 2 else 0.0), name


def expected(optimizer: str, weight: np.ndarray, gradients: list[np.ndarray], decay: float):
    """A weight after these gradients at a rate of 0.02, by the formulas of the papers."""
    m = v = np.zeros_like(weight)
    for step, gradient in enumerate(gradients, start=1):
        g = gradient if optimizer == "adamw" else gradient + decay * weight
        if optimizer in ("sgd", "momentum"):
            m = g if optimizer == "sgd" else 0.9 * m + g
            update = m
        else:
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g**2
            update = m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
        pull = decay * weight if optimizer == "adamw" else 0
        weight = weight - 0.02 * (update + pull)
    return weight


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
def test_three_steps_of_each_optimizer_are_those_of_its_paper(optimizer: str):
    model = GPT(MODEL, torch.Generator().manual_seed(0))
    chosen = new_optimizer(model, config(optimizer=optimizer, weight_decay=0.3))
    generator = torch.Generator().manual_seed(1)
    before = {name: p.detach().double().numpy() for name, p in model.named_parameters()}
    gradients: dict[str, list[np.ndarray]] = {name: [] for name in before}
    for _ in range(3):
        for name, parameter in model.named_parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            gradients[name].append(parameter.grad.double().numpy())
        chosen.step()
    for name, parameter in model.named_parameters():
        decay = 0.3 if parameter.dim() == 2 else 0.0
        wanted = expected(optimizer, before[name], gradients[name], decay)
        np.testing.assert_allclose(parameter.detach().numpy(), wanted, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_an_optimizer_remembers_is_what_is_kept_and_counted(optimizer: str):
    model = GPT(MODEL)
    chosen = new_optimizer(model, config(optimizer=optimizer))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    chosen.step()
    numbers = 0
    for group in chosen.param_groups:
        for parameter in group["params"]:
            found, empty = chosen.state[parameter], empty_memory(group, parameter)
            assert {key: each.shape for key, each in found.items()} == {
                key: each.shape for key, each in empty.items()
            }
            numbers += sum(each.numel() for key, each in found.items() if key != "step")
    assert numbers_kept(MODEL, optimizer) == numbers


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_was_stopped_follows_the_curve_of_an_unbroken_one(
    optimizer: str, tmp_path: Path
):
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    practice = {"copy_steps": 5, "repeat_share": 0.25, "vocab_sample": 8}
    settings = config(str(tmp_path / "text.txt"), optimizer=optimizer, **practice)
    unbroken, broken = (Run.create(tmp_path / name, settings) for name in ("unbroken", "broken"))
    work(unbroken)
    for stop_after in (3, 4):
        left = iter([*[False] * (stop_after - 1), True])
        work(broken, should_stop=lambda left=left: next(left))
    work(broken)
    assert broken.status["state"] == "done"
    assert [row["step"] for row in broken.metrics] == list(range(1, 13))
    for mine, theirs in zip(broken.metrics, unbroken.metrics, strict=True):
        for key in ("train_loss", "grad_norm", "lr"):
            assert mine[key] == pytest.approx(theirs[key], abs=1e-4), (mine["step"], key)


def test_an_older_pytorch_is_told_what_muon_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(ValueError, match=r"Muon comes with PyTorch 2\.9, and this is .*adamw"):
        new_optimizer(GPT(MODEL), config())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "lion"}, "optimizer is 'lion'; it must be one of 'adamw', 'muon', 'adam'"),
        ({"copy_steps": 12}, "copy_steps is 12; it must be below steps, 12"),
        ({"copy_steps": -1}, "copy_steps is -1; it must be a whole number"),
        (
            {"repeat_share": 1.0},
            r"repeat_share is 1\.0; it must be a number, at least 0 and below 1",
        ),
        ({"vocab_sample": 1.5}, r"vocab_sample is 1\.5; it must be a whole number"),
        ({"end_of_text": "yes"}, "end_of_text is 'yes'; it must be true or false"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, told):
    with pytest.raises(ValueError, match=told):
        config(**changes)
