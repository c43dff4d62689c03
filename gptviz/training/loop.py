"""The training loop: draw a batch, find the gradient, change the weights, validate now and then.

Whatever is written down while a run learns is up to its observers: see gptviz.training.record.
"""

import math
from collections.abc import Callable

import torch

from gptviz.disk import Row
from gptviz.runs import DivergedError, Run, State
from gptviz.runs.control import Requests
from gptviz.training import data, patience
from gptviz.training.baselines import known_before
from gptviz.training.batches import Batch, Reader, line_ends, windows_in_order
from gptviz.training.devices import gaps_in_words, memory_in_words
from gptviz.training.learner import Learner
from gptviz.training.optimizer import learning_rate
from gptviz.training.process_group import ALONE, ProcessGroup, RunMessage, StepMessage
from gptviz.training.record import checkpoints
from gptviz.training.record.checkpoints import Checkpoints
from gptviz.training.record.gradients import Gradients
from gptviz.training.record.induction import Induction
from gptviz.training.record.metrics import Metrics
from gptviz.training.record.observer import Observer
from gptviz.training.record.observers import Callback, Observers
from gptviz.training.record.progress import Progress
from gptviz.training.record.samples import Samples
from gptviz.training.record.snapshots import Snapshots
from gptviz.training.record.stopwatch import Stopwatch
from gptviz.training.record.tensorboard import TensorBoard
from gptviz.training.tuning import Threads, settle_way, usual_dtype


def train(
    run: Run,
    on_step: Callable[[Row], None] = lambda row: None,
    requests: Requests | None = None,
    group: ProcessGroup = ALONE,
) -> State:
    """Begin or go on with a run until it ends; the state that it ends in.

    To be called by gptviz.jobs.worker, which makes sure that no other process trains the run.
    Every step draws its batch and its dropout from (seed, step), so a resumed run follows the
    very curve of an unbroken one. on_step gets each row of metrics.jsonl. A run that is asked to
    pause or to stop ends with a checkpoint. Raises ValueError if the loss is NaN or infinite, or
    the memory is too small, ConnectionError if another process of the group is gone.
    """
    with memory_in_words(run.config, group.world_size), gaps_in_words():
        trainer = Trainer(run, requests or Requests(run), group, on_step)
        try:
            return trainer.train()
        except ConnectionError as error:
            kept = trainer.checkpoints.keep_last_step(trainer.step)
            raise ConnectionError(f"{error}; {kept}") from error
        finally:
            trainer.observers.closed()


class Trainer:
    """A run in training: its text, its model, and the step that was done last."""

    def __init__(
        self,
        run: Run,
        requests: Requests,
        group: ProcessGroup = ALONE,
        on_step: Callable[[Row], None] = lambda row: None,
    ):
        self.run, self.config, self.requests, self.group = run, run.config, requests, group
        config = run.config
        group.require_divisible(config.batch_size)
        text = data.load(config, run.folder)
        tokenizer = text.tokenizer
        if tokenizer.vocab_size > config.model.vocab_size:
            raise ValueError(
                f"the tokenizer has {tokenizer.vocab_size} tokens, the model room for "
                f"{config.model.vocab_size}; set vocab_size to at least the former"
            )
        self.train_ids, self.val_ids = data.split(text.ids, config.model.block_size)
        data.keep_counts(self.train_ids, tokenizer, run.folder)
        ends = line_ends(tokenizer) if config.line_start_share else ()
        self.reader = Reader(self.train_ids, config, ends)
        self.generator = torch.Generator()
        device = group.device()
        self.learner = Learner(config, device, usual_dtype(run, device), group)
        run.update_status(
            {
                "steps": config.steps,
                "device": device.type,
                **known_before(self.train_ids, self.val_ids, tokenizer, config.model.vocab_size),
            }
        )
        model, optimizer = self.learner.model, self.learner.optimizer
        self.checkpoints = Checkpoints(run, model, optimizer, tokenizer, self.learner.scaler)
        self.observers = Observers(
            Stopwatch(run, device),
            *self.threads(),
            Metrics(run),
            TensorBoard(run),
            Callback(on_step),
            self.checkpoints,
            Gradients(run, model),
            Samples(run, model, tokenizer),
            Snapshots(run, model, tokenizer),
            Induction(run, model, tokenizer),
            Progress(run),
        )
        self.step = checkpoints.latest(run)
        if self.step:
            checkpoints.load(run, self.step, model, optimizer, self.learner.scaler)
        self.observers.started(self.step)
        self.validations = [
            row["val_loss"]
            for row in run.metrics
            if "val_loss" in row and patience.counts(row["step"], config)
        ]
        resumed = self.step > 0
        seed = self.seed()
        settle_way(run, self.learner, lambda: self.batches(seed)[0], group is ALONE)
        scale = self.learner.scaler.state_dict()
        group.broadcast(RunMessage(config, device.type, self.learner.dtype, resumed, scale))
        self.learner.share(resumed)

    def train(self) -> State:
        """Take steps until the last one, or until there is a reason to end before."""
        while self.step < self.config.steps and not patience.is_used_up(
            self.validations, self.config.patience
        ):
            row = self.one_step()
            command = self.requests.command() or self.group.command
            if self.validates(self.step) or command:
                row["val_loss"] = self.validation_loss()
                self.must_be_finite("validation loss", row["val_loss"])
                if patience.counts(self.step, self.config):
                    self.validations.append(row["val_loss"])
            self.observers.step_done(row)
            if command and self.step < self.config.steps:
                self.observers.stopped(self.step)
                self.group.end()  # torchrun, too, asks to stop when it sees a process die
                return "paused" if command == "pause" else "stopped"
        if self.step < self.config.steps:
            self.observers.stopped(self.step)
            self.run.update_status({"stopped_early": True})
        return "done"

    def one_step(self) -> Row:
        """Change the weights once; the row of its numbers."""
        step, lr = self.step + 1, self.learning_rate()  # files count steps from 1
        seed = self.seed()
        self.observers.step_began()
        batches = self.batches(seed)
        self.group.broadcast(StepMessage(batches, seed, lr))
        self.observers.batches_drawn()
        loss = self.learner.gradient(batches, seed, self.observers)
        self.must_be_finite("loss", loss)
        self.observers.gradient_found(step)
        norm = self.learner.clip()
        row: Row = {"step": step, "train_loss": loss, "lr": lr}
        if self.learner.runs_over(norm):
            row["left_out"] = True
        else:
            self.must_be_finite("gradient", norm)
            row["grad_norm"] = norm
        self.observers.gradient_clipped(step)
        self.learner.update(lr)
        self.observers.weights_updated(step)
        self.step = step
        return row

    def seed(self) -> int:
        """Of which batch and dropout of the next step are drawn."""
        return self.config.seed * 1_000_003 + self.step

    def threads(self) -> list[Observer]:
        """What chooses the number of threads, where there is a choice."""
        most = torch.get_num_threads()
        if most == 1 or self.group is not ALONE or self.learner.device.type != "cpu":
            return []
        return [Threads(most, lambda n: self.run.update_status({"threads": n}))]

    def batches(self, seed: int) -> list[Batch]:
        """What the next step learns from."""
        self.generator.manual_seed(seed)
        n = self.config.accumulation
        return [self.reader.batch(self.step, self.generator) for _ in range(n)]

    def learning_rate(self) -> float:
        """The schedule's rate for the next step, scaled to the highest rate last asked for."""
        highest, usual = self.requests.highest_rate(self.step), self.config.learning_rate
        rate = learning_rate(self.step, self.config)
        return rate if highest == usual else rate * (highest / usual)

    def must_be_finite(self, name: str, value: float) -> None:
        """Raise DivergedError if the value is infinite or not a number."""
        if not math.isfinite(value):
            highest = self.requests.highest_rate(self.step)
            raise DivergedError(
                f"the {name} is {value} after {self.step} steps: training has diverged; "
                f"lower the learning rate (it is {highest:g}) and start again"
            )

    def validates(self, step: int) -> bool:
        """Whether the held-out text is read after this step, whatever is asked for."""
        return step % self.config.eval_interval == 0 or step == self.config.steps

    def validation_loss(self) -> float:
        """Mean loss on windows from all over the held-out text, in nats a token."""
        config, total, count = self.config, 0.0, 0
        windows = windows_in_order(
            self.val_ids, config.batch_size, config.model.block_size, config.eval_windows
        )
        for inputs, targets in windows:
            total += self.learner.validate(inputs, targets) * targets.numel()
            count += targets.numel()
            self.group.keep_waiting()
        return total / count
