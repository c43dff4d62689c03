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
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.common import Expected, numbered
from accounts.recorded import Recorded
from accounts.reference import Reference
from gptviz.config import GPTConfig
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.training import data
from gptviz.training.config import TrainingConfig

ROOT = Path(__file__).parents[3]
NAME = "odd run"
WRITTEN = "the köng. "  # ö takes two bytes
HELD_OUT = "öh, the fööl! the king, the queen! "  # so that a letter takes more bytes here
PARTS = ("data", "forward", "backward", "optimizer", "other")


# What the form begins with, where a size of model says nothing else.
SETTINGS = {
    **dict.fromkeys(("dropout", "embd_pdrop", "attn_pdrop", "resid_pdrop"), 0),
    **dict.fromkeys(("copy_steps", "repeat_share", "line_start_share", "guide_previous"), 0),
    **dict.fromkeys(("decay_steps", "vocab_sample", "patience", "seed"), 0),
    **{"accumulation": 1, "learning_rate": 1e-3, "min_learning_rate": 1e-4, "weight_decay": 0.1},
    **{"beta1": 0.9, "beta2": 0.99, "layer_norm_epsilon": 1e-5, "eval_interval": 50},
    **{"eval_windows": 64, "sample_tokens": 120, "snapshots": 24, "detail_interval": 10},
}


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
        """What stands above the tabs of a run that is done."""
        said, shown = of_the_form()
        told, steps = self.config, self.column("step")
        loss, (validated, val_loss) = self.column("train_loss"), self.validations
        shape = (told["n_layer"], told["n_head"], told["n_embd"], told["block_size"])
        planned = told["decay_steps"] or max(told["steps"], told["warmup_steps"])
        said += [
            ("It reads text.txt", *shape, 0.9, 0.9),
            ("step {} of {}", self.steps, told["steps"], *self.early()),
            ("the rate keeps its last value", planned, told["min_learning_rate"]),
            ("It has passed its text", two_digits(self.passes_at(self.steps)), *self.way()),
        ]
        lines = [(steps, loss), (steps, self.smoothed), (validated, val_loss)]
        lines += [(steps, self.column(name)) for name in ("lr", "grad_norm", "tokens_per_second")]
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
            f"more_{self.folder.name}": told["steps"] * (1 if self.early() else 2),
            f"patience_{self.folder.name}": 0 if self.early() else told["patience"],
            f"patience_{self.folder.name}.help": [(0,)],
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

    def early(self) -> list[float]:
        """Patience and the best validation, of a run that it ended."""
        told, (steps, losses) = self.config, self.validations
        if self.steps == told["steps"]:
            return []
        best = losses.argmin()
        regular = np.flatnonzero(steps % told["eval_interval"] == 0)
        assert len(regular) - 1 - best == told["patience"] > 0
        return [told["patience"], losses[best], steps[best]]

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


def of_the_form() -> Expected:
    """What the form says of the usual model and of the plays."""
    plays = (ROOT / "gptviz/data/shakespeare.txt").read_bytes()
    text = plays.decode()
    V, T, C, L, B = len(set(text)), 64, 128, 4, 12
    with torch.device("meta"):
        ends = {"bos_token_id": None, "eos_token_id": None}
        config = GPT2Config(vocab_size=V, n_positions=T, n_embd=C, n_layer=L, n_head=4, **ends)
        model = GPT2LMHeadModel(config)
    weights = sum(parameter.numel() for parameter in model.parameters())
    read = len(text) - len(text) // 10
    # In float32: each weight with its gradient and two means; for each token and layer both norms'
    # inputs and outputs, q, k and v, z twice, and the MLP twice; at the ends 22 vectors a token;
    # the logits of all tokens and of 32, and twice the unembedding. And PyTorch itself.
    numbers = 4 * weights + B * T * (L * 17 * C + 22 * C) + (B * T + 32 + 2 * C) * V
    usual = {"n_layer": L, "n_head": 4, "n_embd": C, "block_size": T, "batch_size": B}
    usual |= {"steps": 2000, "warmup_steps": 100, "gradient_clip": 2.0, "sample_interval": 100}
    said = [
        ("tokens a step · time: measuring", weights, 400 + 4 * numbers / 1e6, B * T),
        ("the last tenth is held out", len(plays), len(text), len(text), V),
        (
            "This run passes its text",
            *(two_digits(n) for n in (2000 * B * T / read, read / weights)),
            *(20, 2022, two_digits(read / 20)),
        ),
        ("Its first {} tokens", 100),
        # What the paper asked: 20 tokens a parameter, and no model below 70 million.
        ("asked how to spend a fixed amount", 2022, 20, 70),
    ]
    letters = sorted(set(text))
    ids = [letters.index(letter) for letter in text[:100]]
    shown = {
        "first_tokens.rows.chips.position": range(100),
        "first_tokens_table.position": range(100),
        "first_tokens_table.id": ids,
        "first_tokens_table.bytes": numbered(f"{ord(letter):02X}" for letter in text[:100]),
        "first_tokens_table.characters": [1] * 100,
        "first_tokens.rows.chips.under": [*map(str, ids)],
        "first_tokens.rows.chips.hover": [
            f"id {token} · bytes {ord(letter):02X}"
            for token, letter in zip(ids, text[:100], strict=True)
        ],
        "new_tokenizer.label": ["GPT-2's BPE"],
        "new_norm.label": ["before each part (GPT-2)", "after each part (2017)"],
        "new_position.label": ["learnt (GPT-2)", "waves (2017)"],
        "new_activation.label": ["GELU, approximate (GPT-2)", "ReLU (2017)"],
        "new_size.help": [sizes_told()],
        "new_beta1.label": ["Beta 1"],
        "new_beta2.label": ["Beta 2"],
        **{f"new_{name}": value for name, value in {**SETTINGS, **usual}.items()},
    }
    return said, shown


def sizes_told() -> tuple:
    """Layers and width of each size, and what it took where it was measured."""
    found: list[float] = []
    for layers, width, *rest in ((2, 64, 14), (4, 128, 2), (6, 192, 23), (6, 384, 256, 9, 27)):
        found += [layers, width, *rest, 2.13]
    return tuple(found)


def two_digits(number: float) -> float:
    return digits(number, 2)


def digits(number: float, n: int) -> float:
    """A number of which only so many digits count."""
    return float(f"{number:.{n}g}")


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
