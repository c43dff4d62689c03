"""The training loop: read a batch, compare, correct, and look up now and then."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import torch
from torch import Tensor

from gptviz.model import GPT
from gptviz.training import data, saving
from gptviz.training.config import Precision, TrainingConfig
from gptviz.training.loss import cross_entropy
from gptviz.training.optimizer import adamw, learning_rate
from gptviz.training.runs import Run

Row = dict[str, Any]


def train(
    run: Run,
    on_step: Callable[[Row], None] = lambda row: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Begin or go on with a run, in a process that does nothing else.

    Every step draws its batch and its dropout from (seed, step), so a resumed run follows the
    very curve of an unbroken one. on_step gets each row of metrics.jsonl. When should_stop
    says so, the run ends with a checkpoint. Raises ValueError if the loss is no longer a number.
    """
    with run.locked():
        run.update_status({"state": "running", "steps": run.config.steps})
        try:
            finished = _Trainer(run).run(on_step, should_stop)
        except (ValueError, OSError) as error:
            with suppress(OSError):  # a disk that is full refuses this too
                run.update_status({"state": "failed", "error": str(error)})
            raise
        run.update_status({"state": "done" if finished else "stopped"})


class _Trainer:
    def __init__(self, run: Run):
        self.saved_run, self.config = run, run.config
        config = run.config
        text = data.load(config, run.folder)
        self.tokenizer = text.tokenizer
        if self.tokenizer.vocab_size > config.model.vocab_size:
            raise ValueError(
                f"the tokenizer has {self.tokenizer.vocab_size} tokens, the model room for "
                f"{config.model.vocab_size}; set vocab_size to at least the former"
            )
        self.train_ids, self.val_ids = data.split(text.ids, config.model.block_size)
        self.device = best_device()
        self.generator = torch.Generator()
        self.generator.manual_seed(config.seed)
        self.model = GPT(config.model, self.generator).to(self.device)
        self.optimizer = adamw(self.model, config)
        self.dtype = self.chosen_dtype()
        self.step = run.status.get("last_step", 0)
        if self.step:
            saving.load_checkpoint(run, self.step, self.model, self.optimizer)
        run.forget_after(self.step)

    def chosen_dtype(self) -> torch.dtype:
        """What this run computes in on this device: chosen once, or the curve would bend."""
        chosen = self.saved_run.status.get("dtype", {})
        if self.device.type not in chosen:
            dtype = choose_dtype(self.config.precision, self.device, self.config)
            chosen[self.device.type] = str(dtype).removeprefix("torch.")
            self.saved_run.update_status({"dtype": chosen})
        return getattr(torch, chosen[self.device.type])

    def run(self, on_step: Callable[[Row], None], should_stop: Callable[[], bool]) -> bool:
        """True if the run came to its end, False if it was asked to stop before."""
        stopped = False
        while self.step < self.config.steps and not stopped:
            start = time.perf_counter()
            row = self.one_step()
            row["tokens_per_second"] = self.config.tokens_per_step / (time.perf_counter() - start)
            stopped = should_stop()
            due = self.step % self.config.eval_interval == 0 or self.step == self.config.steps
            if due or stopped:
                row["val_loss"] = self.validation_loss(self.config.eval_windows)
                self.must_be_finite("validation loss", row["val_loss"])
            self.saved_run.append_metrics(row)
            on_step(row)
            if "val_loss" in row:
                self.keep(row["val_loss"])
        return self.step >= self.config.steps

    def one_step(self) -> Row:
        """One correction of the weights; the row of its numbers."""
        config = self.config
        lr = learning_rate(self.step, config)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        seed = config.seed * 1_000_003 + self.step
        self.generator.manual_seed(seed)
        torch.manual_seed(seed)  # dropout knows only the process's own generator
        self.model.train()
        train_loss = 0.0
        for _ in range(config.accumulation):
            batch = data.random_batch(
                self.train_ids, config.batch_size, config.model.block_size, self.generator
            )
            loss = self.loss(*batch) / config.accumulation
            loss.backward()
            train_loss += loss.item()
        self.must_be_finite("loss", train_loss)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip).item()
        self.must_be_finite("gradient", norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return {"step": self.step, "train_loss": train_loss, "lr": lr, "grad_norm": norm}

    def must_be_finite(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            raise ValueError(
                f"the {name} is {value} after {self.step} steps: training has diverged; "
                f"lower --learning-rate (it is {self.config.learning_rate}) and start again"
            )

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        with self.autocast():
            hidden = self.model.hidden(inputs.to(self.device)).flatten(0, 1)
            return cross_entropy(hidden, self.model.unembedding, targets.to(self.device).flatten())

    def autocast(self) -> AbstractContextManager[Any]:
        narrow = self.dtype != torch.float32
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=narrow)

    @torch.no_grad()
    def validation_loss(self, n_windows: int | None = None) -> float:
        """Mean loss on the held-out tail, in nats a token; on all of it without n_windows."""
        self.model.eval()
        total, count = 0.0, 0
        windows = data.windows_in_order(
            self.val_ids, self.config.batch_size, self.config.model.block_size, n_windows
        )
        for inputs, targets in windows:
            total += self.loss(inputs, targets).item() * targets.numel()
            count += targets.numel()
        return total / count

    def keep(self, val_loss: float) -> None:
        """Save this step, remember it if it is the best, and drop what is neither best nor last."""
        run, status = self.saved_run, self.saved_run.status
        saving.save_checkpoint(run, self.step, self.model, self.tokenizer, self.optimizer)
        if val_loss < status.get("best_val_loss", math.inf):
            run.update_status({"best_step": self.step, "best_val_loss": val_loss})
        run.update_status({"step": self.step, "last_step": self.step, "val_loss": val_loss})
        saving.prune(run, keep={run.status["best_step"], self.step})


def best_device() -> torch.device:
    """A GPU where there is one, else Apple's, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def choose_dtype(precision: Precision, device: torch.device, config: TrainingConfig) -> torch.dtype:
    """The type of the large products; "auto" takes bfloat16 where it is measured to be quicker.

    Weights, their sums and the softmax stay float32 either way.
    """
    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "mps":
        return torch.float32
    tokens = min(config.batch_size * config.model.block_size, 2048)
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.ones(tokens, config.model.n_embd, dtype=dtype)
        weight = torch.ones(4 * config.model.n_embd, config.model.n_embd, dtype=dtype)
        times = []
        for _ in range(4):
            start = time.perf_counter()
            x @ weight.t()
            times.append(time.perf_counter() - start)
        seconds[dtype] = min(times)
    # Casting the weights costs something at each step, so a narrow win is none.
    return (
        torch.bfloat16 if seconds[torch.bfloat16] < 0.6 * seconds[torch.float32] else torch.float32
    )
