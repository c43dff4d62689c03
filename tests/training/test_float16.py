"""float16 on GPUs: a scaled loss, steps left out, and the refusal where there is no GPU.

PyTorch's scaler and its float16 run on processors too, only slowly: so all but the GPU is tried.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from gptviz.cli import main
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import DivergedError, Run
from gptviz.training import devices, tuning
from gptviz.training.batches import Batch
from gptviz.training.config import TrainingConfig
from gptviz.training.learner import Learner
from gptviz.training.loss import cross_entropy
from gptviz.training.process_group import ALONE
from gptviz.training.record.gradients import read as layers

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
PROCESSOR = torch.device("cpu")


@pytest.fixture
def learner() -> Callable[[torch.dtype], Learner]:
    """A learner of a tiny model, which computes in a type."""

    def made(dtype: torch.dtype) -> Learner:
        model = GPTConfig(300, block_size=16, n_layer=2, n_head=2, n_embd=16)
        return Learner(TrainingConfig(model, "", batch_size=4), PROCESSOR, dtype, ALONE)

    return made


@pytest.fixture
def batch() -> Batch:
    ids = torch.randint(300, (4, 17), generator=torch.Generator().manual_seed(0))
    return Batch(ids[:, :-1], ids[:, 1:])


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Begin a run that computes in float16 on the processor, as nobody else may."""
    monkeypatch.setattr(devices, "require_precision", lambda precision, device: None)
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")

    def create(name: str, **changes: Any) -> Run:
        model = GPTConfig(len(set(TEXT)), 8, 1, 2, 8)
        usual = {"batch_size": 4, "steps": 12, "eval_interval": 4, "detail_interval": 1}
        config = TrainingConfig(model, str(text), precision="float16", **{**usual, **changes})
        return Run.create(tmp_path / name, config)

    return create


def curve(run: Run) -> list[tuple]:
    return [(row["step"], row["train_loss"], row.get("grad_norm")) for row in run.metrics]


def test_the_gradient_is_that_of_float32_but_for_rounding(learner, batch):
    wide, narrow = learner(torch.float32), learner(torch.float16)
    assert narrow.scaler.is_enabled()
    assert not wide.scaler.is_enabled()
    assert narrow.gradient([batch], 0) == pytest.approx(wide.gradient([batch], 0), rel=1e-3)
    names = dict(wide.model.named_parameters())
    for name, parameter in narrow.model.named_parameters():
        true = names[name].grad
        assert (parameter.grad - true).norm() < 0.02 * true.norm() + 1e-7, name


def test_a_token_s_small_part_of_a_large_mean_is_not_lost():
    generator = torch.Generator().manual_seed(0)
    hidden, weight = (torch.randn(n, 8, generator=generator) for n in (50, 2000))
    targets = torch.randint(2000, (50,), generator=generator)
    found = {}
    for narrow in (False, True):
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        with torch.autocast("cpu", dtype=torch.float16, enabled=narrow):
            loss = cross_entropy(h, w, targets, n_tokens=1e6)
        loss.backward()
        found[narrow] = loss.item(), h.grad, w.grad
    assert found[True][0] == pytest.approx(found[False][0], rel=1e-3)
    for true, rounded in zip(found[False][1:], found[True][1:], strict=True):
        assert true.abs().max() < 1e-4
        assert (rounded - true).norm() < 0.01 * true.norm()


def test_a_gradient_that_runs_over_changes_no_weight_and_halves_the_scale(learner, batch):
    one = learner(torch.float16)
    one.scaler.load_state_dict({**one.scaler.state_dict(), "scale": 2.0**40})
    before = {name: weight.clone() for name, weight in one.model.state_dict().items()}
    one.gradient([batch], 0)
    norm = one.clip()
    assert one.runs_over(norm)
    one.update(0.1)
    assert one.scaler.get_scale() == 2.0**39
    for name, weight in one.model.state_dict().items():
        assert torch.equal(weight, before[name]), name
    assert not learner(torch.float32).runs_over(norm), "there it has diverged"
    one.scaler.load_state_dict({**one.scaler.state_dict(), "scale": 1.0})
    assert not one.runs_over(norm), "no smaller scale would help"


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
def test_a_resumed_run_goes_on_with_its_scale(begin, monkeypatch, optimizer):
    if optimizer == "muon" and not hasattr(torch.optim, "Muon"):
        pytest.skip("this PyTorch has no Muon")
    scaler = partial(torch.amp.GradScaler, init_scale=2.0**24)
    monkeypatch.setattr("gptviz.training.learner.GradScaler", scaler)
    whole, broken = (begin(name, optimizer=optimizer) for name in ("whole", "broken"))
    taken: list[dict] = []
    work(whole)
    left_out = [row["step"] for row in whole.metrics if row.get("left_out")]
    assert left_out, "the scale began so high that some steps ran over"
    assert all("grad_norm" not in row for row in whole.metrics if row.get("left_out"))
    assert not set(left_out) & set(layers(whole.folder).steps.tolist())

    work(broken, on_step=taken.append, should_stop=lambda: len(taken) == 5)
    kept = load_file(broken.checkpoint(max(broken.checkpoints)) / "optimizer.safetensors")
    assert 1 < kept["scaler.scale"].item() < 2.0**24
    work(broken)
    assert curve(broken) == curve(whole)


def test_a_run_that_has_left_out_every_step_can_be_resumed(begin, monkeypatch):
    scaler = partial(torch.amp.GradScaler, init_scale=2.0**60)
    monkeypatch.setattr("gptviz.training.learner.GradScaler", scaler)
    run, taken = begin("run", optimizer="momentum", steps=6), []
    work(run, on_step=taken.append, should_stop=lambda: len(taken) == 3)
    work(run)
    assert all(row.get("left_out") for row in run.metrics)
    assert run.status["state"] == "done"


def test_a_gradient_that_no_scale_makes_finite_ends_the_run(begin, monkeypatch):
    monkeypatch.setattr(Learner, "clip", lambda self: float("inf"))
    monkeypatch.setattr(torch.amp.GradScaler, "get_scale", lambda self: 1.0)
    with pytest.raises(DivergedError, match="the gradient is inf after 0 steps"):
        work(begin("run"))


def test_without_a_gpu_it_is_refused_with_the_way_out(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(devices, "best_device", lambda: PROCESSOR)
    for device in ("cuda", "mps"):
        assert (
            devices.choose_dtype(
                "float16", torch.device(device), TrainingConfig(GPTConfig(3, 4, 1, 1, 4), "")
            )
            == torch.float16
        )
    assert main(["train", "--run", str(tmp_path / "run"), "--precision", "float16"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "gptviz: precision is float16, which needs a GPU, and there is none here that PyTorch can "
        "use; choose auto, float32 or bfloat16"
    )
    assert not (tmp_path / "run").exists()


def test_a_run_of_a_gpu_is_not_gone_on_with_in_float16_where_there_is_none(begin, monkeypatch):
    run = begin("run")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="precision is float16, which needs a GPU"):
        work(run)
    assert run.status["state"] == "failed"
    assert tuning.choose_dtype is devices.choose_dtype
