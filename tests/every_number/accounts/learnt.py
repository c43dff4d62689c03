"""Runs of odd shape that take place here, and what the page Training says around its tabs."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from accounts.common import Expected, digits
from accounts.form import of_the_form
from accounts.recorded import RECENT, Recorded
from accounts.reference import Reference
from gptviz.config import GPTConfig
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.training import data
from gptviz.training.config import TrainingConfig

NAME = "odd run"
WRITTEN = "the köng. "  # ö takes two bytes
HELD_OUT = "öh, the fööl! the king, the queen! "  # so that a letter takes more bytes here
PARTS = ("data", "forward", "backward", "optimizer", "other")


@dataclass
class Learnt(Recorded):
    """A run that took place here, and what its page says of it."""

    @cached_property
    def letters(self) -> list[str]:
        """The vocabulary, by its ids."""
        return sorted(set(self.text))

    @cached_property
    def kept(self) -> list[int]:
        """The steps of which a snapshot is kept."""
        return sorted(int(path.name.rpartition("-")[2]) for path in self.snapshots())

    def snapshots(self) -> list[Path]:
        return [path for path in (self.folder / "snapshots").iterdir() if path.is_dir()]

    def snapshot(self, step: int) -> Path:
        (path,) = (p for p in self.snapshots() if int(p.name.rpartition("-")[2]) == step)
        return path

    def at(self, step: int, text: Sequence[str]) -> Reference:
        """A text in the model of a snapshot, as transformers loads it."""
        path = self.snapshot(step)
        theirs = GPT2LMHeadModel.from_pretrained(
            path, attn_implementation="eager", dtype=torch.float64
        ).eval()
        return Reference(theirs, [self.letters.index(c) for c in text], list(text))

    @cached_property
    def read_and_held_out(self) -> tuple[str, str]:
        """The text that the run learns from, and the last tenth."""
        cut = len(self.text) - len(self.text) // 10
        return self.text[:cut], self.text[cut:]

    @cached_property
    def time(self) -> dict[str, np.ndarray]:
        """Seconds of each step by what they went to."""
        rows = [row["time"] for row in self.rows("metrics.jsonl")]
        return {part: np.array([row[part] for row in rows]) for part in PARTS}

    @cached_property
    def curves(self) -> str:
        """Where its picture stands."""
        return f"curves_{hashlib.sha256(self.folder.name.encode()).hexdigest()[:16]}"

    @property
    def runs(self) -> int:
        """How many lie beside it, itself among them."""
        return len([*self.folder.parent.glob("*/config.json")])

    @cached_property
    def around(self) -> Expected:
        """What stands above the tabs of a run, and the list of all runs, of which it is the only
        one, below them."""
        said, shown = self.above
        best = self.validations[1].min()
        listed = {
            "runs_table.made": [self.json("about.json")["created"][:16].replace("T", " ")],
            "runs_table.step": [self.steps],
            "runs_table.best_val_loss": [best],
        }
        return said, {**shown, **listed}

    @cached_property
    def above(self) -> Expected:
        """What stands above the tabs of a run that is done, or that runs and has patience."""
        said, shown = of_the_form()
        told, steps = self.config, self.column("step")
        loss, (validated, val_loss) = self.column("train_loss"), self.validations
        shape = (told["n_layer"], told["n_head"], told["n_embd"], told["block_size"])
        planned = told["decay_steps"] or max(told["steps"], told["warmup_steps"])
        said += [("It reads text.txt", *shape, 0.9, 0.9), *self.practice()]
        passes = [digits(self.passes_at(step), 2) for step in (self.steps, told["steps"])]
        if self.is_running:
            left = (told["steps"] - self.steps) * np.diff(self.column("seconds")[-RECENT - 1 :])
            head = (self.steps, told["steps"], round(left.mean()), self.waited, told["patience"])
            said.append(("s left · {} of {} validations in a row", *head))
            shown[f"rate_{self.folder.name}"] = told["learning_rate"]
        else:
            planned = told["decay_steps"] or max(told["steps"], told["warmup_steps"])
            said += [
                ("step {} of {}", self.steps, told["steps"], *self.early()),
                ("the rate keeps its last value", planned, told["min_learning_rate"]),
            ]
            shown |= {
                f"more_{self.folder.name}": told["steps"] * (1 if self.early() else 2),
                f"patience_{self.folder.name}": 0 if self.early() else told["patience"],
                f"patience_{self.folder.name}.help": [(0,)],
            }
            passes = passes[:1]
        said.append(("It has passed its text", *passes, *self.way()))
        lines = [(steps, loss), (steps, self.smoothed), (validated, val_loss)]
        lines += [(steps, self.column("lr")), *([self.to_come()] if self.is_running else [])]
        lines += [(steps, self.column(name)) for name in ("grad_norm", "tokens_per_second")]
        lines += [(steps[1:], self.speed)]
        of_text, held_out = (1 / (math.log(2) * each) for each in self.counts.bytes_per_token)
        key = self.curves
        shown |= {
            f"{key}.panels.series.points": [len(x) for x, _ in lines],
            f"{key}.panels.series.name": [
                "training, smoothed by 0.9",
                "all included, over 50 steps",
            ],
            f"{key}.panels.units.factors": [of_text, of_text, held_out],
            f"{key}.panels.limits.clip at": told["gradient_clip"],
            f"{key}.alt": [(len(loss), loss[0], loss[-1], val_loss[-1])],
            f"{key}.sent": [[*x.tolist(), *y.tolist()] for x, y in lines],
            "run_choice.placeholder": [(self.runs,)],
            "progress": int(100 * self.steps / told["steps"]),
        }
        for name, guess in self.counts.guesses.items():
            shown[f"{key}.panels.limits.{name}"] = guess
        for name in ("step", "train_loss", "val_loss", "lr", "grad_norm", "tokens_per_second"):
            shown[f"metrics_table.{name}"] = self.column(name)
        shown["metrics_table.seconds"] = self.column("seconds")
        for part, seconds in self.time.items():
            shown[f"metrics_table.{part}"] = seconds
        return said, shown

    @property
    def is_running(self) -> bool:
        return self.json("status.json")["state"] == "running"

    @property
    def waited(self) -> int:
        """How many regular validations came after the best of them."""
        steps, losses = self.validations
        losses = losses[steps % self.config["eval_interval"] == 0]
        return len(losses) - 1 - int(losses.argmin())

    def early(self) -> list[float]:
        """Patience and the best validation, of a run that it ended."""
        told, (steps, losses) = self.config, self.validations
        if self.steps == told["steps"]:
            return []
        assert self.waited == told["patience"] > 0
        return [told["patience"], losses.min(), steps[losses.argmin()]]

    def practice(self) -> list[tuple]:
        """Lessons in copying, and their share of what is read after them."""
        lessons, share = (self.config[name] for name in ("copy_steps", "repeat_share"))
        return [("lessons in copying: their loss", lessons, share)] if lessons else []

    def to_come(self) -> tuple[np.ndarray, np.ndarray]:
        """The rates of the steps that a run still has to take, on half a wave of a cosine."""
        told = self.config
        high, low, rise = (told[k] for k in ("learning_rate", "min_learning_rate", "warmup_steps"))
        steps = np.arange(self.steps, told["steps"] + 1)
        share = (steps - 1 - rise) / (told["steps"] - rise)
        rates = low + (high - low) * (1 + np.cos(np.pi * share)) / 2
        return steps, rates * self.column("lr")[-1] / rates[0]

    def way(self) -> list[float]:
        """How it computed: tokens whose loss is computed at once, threads, and what was tried."""
        told = self.json("status.json")
        device = told["device"]
        way, trials = told["ways"][device], told.get("trials", {}).get(device, [])
        numbers = [way["chunk"]] if way["chunk"] else []
        numbers += [told["threads"]] if told.get("threads") else []
        if len(trials) < 2:
            return numbers
        (own,) = (t for t in trials if all(t[key] == value for key, value in way.items()))
        others = [t["seconds"] for t in trials if t["dtype"] != way["dtype"]]
        assert own["seconds"] * 0.9 <= min(t["seconds"] for t in trials)
        times = [own["seconds"], *([min(others)] if others else [])]
        return [*numbers, own["windows"], *(digits(1000 * time, 3) for time in times), len(trials)]


def trained(root: Path) -> Learnt:
    """Have a tiny run take place in a folder: some steps, snapshots, validations, samples."""
    return learn(root, NAME)


def learn(root: Path, name: str, **changes: Any) -> Learnt:
    """Have a run take place: the usual one of odd shape, of which some settings are others."""
    text = WRITTEN * 200 + HELD_OUT * 7  # of which the last tenth is held out
    path = root / "text.txt"
    path.write_text(text, encoding="utf-8")
    config = TrainingConfig(
        GPTConfig(len(set(text)), block_size=13, n_layer=2, n_head=3, n_embd=15),
        str(path),
        tokenizer="char",
        batch_size=3,
        steps=95,
        learning_rate=0.02,
        min_learning_rate=0.01,
        warmup_steps=5,
        eval_interval=40,
        eval_windows=4,
        precision="float32",
        sample_interval=40,
        sample_tokens=60,
        sample_prompt="the ",
        snapshots=6,
        detail_interval=5,
        gradient_clip=1.5,
    ).changed(changes)
    told = data.check(path, config.tokenizer, config.bpe_vocab_size)
    work(Run.create(root / name, config.changed({"vocab_size": told.vocab_size})))
    return Learnt(root / name, text)
