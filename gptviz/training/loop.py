"""The training loop: read a batch, compare, correct, and look up now and then."""

import math
import time
from collections.abc import Callable
from typing import Any

import torch

from gptviz.training import data, saving
from gptviz.training.batches import Reader, line_ends
from gptviz.training.control import Requests
from gptviz.training.devices import choose_dtype, memory_in_words
from gptviz.training.learner import Learner
from gptviz.training.optimizer import learning_rate
from gptviz.training.recording import Recorder
from gptviz.training.runs import Run, State
from gptviz.training.team import ALONE, Setup, Step, Team
from gptviz.training.tensorboard import TensorBoard

Row = dict[str, Any]
STATUS_INTERVAL = 1.0  # seconds between two notes in status.json of how far the run is


def train(
    run: Run,
    on_step: Callable[[Row], None] = lambda row: None,
    requests: Requests | None = None,
    team: Team = ALONE,
) -> State:
    """Begin or go on with a run until it ends; the state that it ends in.

    To be called by gptviz.training.worker, which sees to it that nobody else trains the run.
    Every step draws its batch and its dropout from (seed, step), so a resumed run follows the
    very curve of an unbroken one. on_step gets each row of metrics.jsonl. A run that is asked to
    pause or to stop ends with a checkpoint. Raises ValueError if the loss is no longer a number or
    the memory is too small, ConnectionError if another process of the team is gone.
    """
    with memory_in_words(run.config, team.size):
        trainer = Trainer(run, requests or Requests(run), team)
        try:
            return trainer.train(on_step)
        except ConnectionError as error:
            raise ConnectionError(f"{error}; {trainer.keep_last_step()}") from error
        finally:
            trainer.tensorboard.close()


class Trainer:
    """A model that learns and its text, after the last step of which there is a checkpoint."""

    def __init__(self, run: Run, requests: Requests, team: Team = ALONE):
        self.saved_run, self.config, self.requests, self.team = run, run.config, requests, team
        config = run.config
        team.require_divisible(config.batch_size)
        text = data.load(config, run.folder)
        self.tokenizer = text.tokenizer
        if self.tokenizer.vocab_size > config.model.vocab_size:
            raise ValueError(
                f"the tokenizer has {self.tokenizer.vocab_size} tokens, the model room for "
                f"{config.model.vocab_size}; set vocab_size to at least the former"
            )
        self.train_ids, self.val_ids = data.split(text.ids, config.model.block_size)
        data.keep_counts(self.train_ids, self.tokenizer, run.folder)
        ends = line_ends(self.tokenizer) if config.line_start_share else ()
        self.reader = Reader(self.train_ids, config, ends)
        self.generator = torch.Generator()
        self.device = team.device()
        self.learner = Learner(config, self.device, self.chosen_dtype(), team)
        self.watch = self.learner.watch
        run.update_status(
            {
                "steps": config.steps,
                "device": self.device.type,
                "bytes_per_token": text.bytes_per_token,
            }
        )
        self.recorder = Recorder(run, self.learner.model, self.tokenizer)
        self.tensorboard = TensorBoard(run)
        self.go_on_from(saving.latest(run))
        begun = self.step > 0
        team.send(Setup(config, self.device.type, self.learner.dtype, begun))
        self.learner.share(begun)

    def chosen_dtype(self) -> torch.dtype:
        """What this run computes in on this device: chosen once, or the curve would bend."""
        chosen = self.saved_run.status.get("dtype", {})
        if self.device.type not in chosen:
            dtype = choose_dtype(self.config.precision, self.device, self.config)
            chosen[self.device.type] = str(dtype).removeprefix("torch.")
            self.saved_run.update_status({"dtype": chosen})
        return getattr(torch, chosen[self.device.type])

    def go_on_from(self, step: int) -> None:
        """Put everything back as it was after that step, 0 for the beginning."""
        self.step = step
        if step:
            learner = self.learner
            saving.load_checkpoint(self.saved_run, step, learner.model, learner.optimizer)
        self.saved_run.forget_after(step)
        self.recorder.forget_after(step or -1)
        if not step:
            self.recorder.end_of_step(0)
        rows = self.saved_run.metrics
        self.seconds = rows[-1].get("seconds", 0.0) if rows else 0.0
        losses = {row["step"]: row["val_loss"] for row in rows if "val_loss" in row}
        # A stop validates, too; so that it changes nothing, patience counts the regular ones only,
        # and none of the lessons in copying, from which nobody learns to read the text.
        self.validations = [
            loss
            for step, loss in losses.items()
            if step % self.config.eval_interval == 0 and step > self.config.copy_steps
        ]
        kept = {step: losses[step] for step in self.saved_run.checkpoints if step in losses}
        self.best_step = min(kept, key=kept.__getitem__, default=0)
        self.best_val_loss = kept.get(self.best_step, math.inf)

    def train(self, on_step: Callable[[Row], None]) -> State:
        """Take steps until the last one, or until there is a reason to end before."""
        next_note = time.monotonic() + STATUS_INTERVAL
        while self.step < self.config.steps and not self.out_of_patience():
            row = self.one_step()
            command = self.requests.command() or self.team.command
            regular = self.step % self.config.eval_interval == 0
            if regular or command or self.step == self.config.steps:
                row["val_loss"] = self.validation_loss()
                self.must_be_finite("validation loss", row["val_loss"])
                if regular and self.step > self.config.copy_steps:
                    self.validations.append(row["val_loss"])
            self.write(row)
            on_step(row)
            if "val_loss" in row:
                self.keep(row["val_loss"])
            self.recorder.end_of_step(self.step)
            if command and self.step < self.config.steps:
                self.recorder.end(self.step)
                self.team.end()  # torchrun asks to stop, too, when it has seen a process die
                return "paused" if command == "pause" else "stopped"
            if time.monotonic() > next_note:
                self.saved_run.update_status({"step": self.step})
                next_note = time.monotonic() + STATUS_INTERVAL
        if self.step < self.config.steps:
            self.recorder.end(self.step)
            self.saved_run.update_status({"stopped_early": True})
        return "done"

    def one_step(self) -> Row:
        """One correction of the weights; the row of its numbers."""
        config, step = self.config, self.step + 1  # files count steps from 1
        lr, seed = self.learning_rate(), config.seed * 1_000_003 + self.step
        self.generator.manual_seed(seed)
        self.watch.lap("other")
        batches = [self.reader.batch(self.step, self.generator) for _ in range(config.accumulation)]
        self.team.send(Step(batches, seed, lr))
        self.watch.lap("data")
        train_loss = self.learner.gradient(batches, seed)
        self.must_be_finite("loss", train_loss)
        self.recorder.after_backward(step)
        self.watch.lap("other")
        norm = self.learner.clip()
        self.must_be_finite("gradient", norm)
        self.watch.lap("optimizer")
        self.recorder.before_update(step)
        self.watch.lap("other")
        self.learner.update(lr)
        self.watch.lap("optimizer")
        self.recorder.after_update(step)
        self.step = step
        return {"step": step, "train_loss": train_loss, "lr": lr, "grad_norm": norm}

    def learning_rate(self) -> float:
        """The schedule's rate for the next step, at the height that was last asked for."""
        highest, usual = self.requests.highest_rate(self.step), self.config.learning_rate
        rate = learning_rate(self.step, self.config)
        return rate if highest == usual else rate * (highest / usual)

    def must_be_finite(self, name: str, value: float) -> None:
        """Raise ValueError if training has diverged."""
        if not math.isfinite(value):
            highest = self.requests.highest_rate(self.step)
            raise ValueError(
                f"the {name} is {value} after {self.step} steps: training has diverged; "
                f"lower the learning rate (it is {highest:g}) and start again"
            )

    def validation_loss(self) -> float:
        """Mean loss on windows from all over the held-out tail, in nats a token."""
        config, total, count = self.config, 0.0, 0
        windows = data.windows_in_order(
            self.val_ids, config.batch_size, config.model.block_size, config.eval_windows
        )
        for inputs, targets in windows:
            total += self.learner.validate(inputs, targets) * targets.numel()
            count += targets.numel()
            self.team.keep_waiting()
        return total / count

    def out_of_patience(self) -> bool:
        """Whether so many validations in a row were no better than the best one before them."""
        patience, losses = self.config.patience, self.validations
        if not patience or len(losses) <= patience:
            return False
        return min(losses[-patience:]) >= min(losses[:-patience])

    def write(self, row: Row) -> None:
        """Complete a row with its times, and add it to the run's metrics.

        Tokens a second are those of the step alone; "other" is the time since the step before.
        """
        parts = self.watch.take()
        self.seconds += sum(parts.values())
        stepping = sum(parts.values()) - parts["other"]
        row["tokens_per_second"] = self.config.tokens_per_step / stepping
        row["seconds"] = round(self.seconds, 6)
        row["time"] = parts
        self.saved_run.append_metrics(row)
        self.tensorboard.write(row)

    def keep(self, val_loss: float) -> None:
        """Save this step, remember it if it is the best, and drop what is neither best nor last."""
        run = self.saved_run
        self.save()
        if val_loss < self.best_val_loss:
            self.best_step, self.best_val_loss = self.step, val_loss
        run.update_status(
            {
                "step": self.step,
                "last_step": self.step,
                "val_loss": val_loss,
                "best_step": self.best_step,
                "best_val_loss": self.best_val_loss,
            }
        )
        saving.prune(run, keep={self.best_step, self.step})

    def keep_last_step(self) -> str:
        """Save the last step that was finished, after a later one broke off; what is kept."""
        if self.step not in (0, saving.latest(self.saved_run)):
            self.save()
            self.saved_run.update_status({"step": self.step, "last_step": self.step})
            saving.prune(self.saved_run, keep={self.best_step, self.step})
        if not self.step:
            return "no step was finished, so resume begins anew"
        return f"the checkpoint of step {self.step} is kept, so resume the run"

    def save(self) -> None:
        model, optimizer = self.learner.model, self.learner.optimizer
        saving.save_checkpoint(self.saved_run, self.step, model, self.tokenizer, optimizer)
