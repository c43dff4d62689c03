"""A finished run of odd shape, and what its files hold, read with json and numpy alone."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.common import Expected, numbered
from accounts.reference import Reference
from gptviz.config import GPTConfig
from gptviz.jobs.worker import work
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

ROOT = Path(__file__).parents[3]
NAME = "odd run"
SHAPE = (2, 3, 15, 13)  # layers, heads, width, context
TOKENS = 3 * 13  # of a step
STEPS, CLIP, RECENT = 95, 1.5, 50
WRITTEN = "the köng. "  # ö takes two bytes
HELD_OUT = "öh, the fööl! the king, the queen! "  # so that a letter takes more bytes here


@dataclass
class Learnt:
    """The run, its text, and what it left behind."""

    folder: Path
    text: str

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a file of the run."""
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def json(self, name: str) -> dict[str, Any]:
        """A file of the run that holds one object."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def column(self, name: str) -> np.ndarray:
        """A number of each step; NaN where the row has none."""
        return np.array([row.get(name, np.nan) for row in self.rows("metrics.jsonl")], float)

    @cached_property
    def letters(self) -> list[str]:
        """The vocabulary, by its ids."""
        return sorted(set(self.text))

    @cached_property
    def steps(self) -> list[int]:
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
    def smoothed(self) -> np.ndarray:
        """The training loss; each value weighs 0.9 times what the one after it weighs."""
        loss = self.column("train_loss")
        weights = 0.9 ** np.arange(len(loss))
        return np.array(
            [np.average(loss[: i + 1][::-1], weights=weights[: i + 1]) for i in range(len(loss))]
        )

    @cached_property
    def speed(self) -> np.ndarray:
        """Tokens a second up to each step but the first, over 50 steps or all, all included."""
        steps, seconds = self.column("step"), self.column("seconds")
        spans = [(i, max(i - RECENT, 0)) for i in range(1, len(steps))]
        read = [(steps[i] - steps[j]) * TOKENS / (seconds[i] - seconds[j]) for i, j in spans]
        return np.array(read)

    @cached_property
    def read_and_held_out(self) -> tuple[str, str]:
        """The text that the run learns from, and the last tenth."""
        cut = len(self.text) - len(self.text) // 10
        return self.text[:cut], self.text[cut:]

    @cached_property
    def bytes_per_letter(self) -> list[float]:
        """Of what is read and of what is held out."""
        return [len(part.encode()) / len(part) for part in self.read_and_held_out]

    @cached_property
    def passes(self) -> float:
        """How often as many tokens as there are to train on were read, with two digits."""
        return two_digits(STEPS * TOKENS / len(self.read_and_held_out[0]))

    @cached_property
    def threads(self) -> list[int]:
        """On how many it computed, where there was a choice."""
        told = self.json("status.json").get("threads")
        return [told] if told else []

    @cached_property
    def guesses(self) -> dict[str, float]:
        """The losses of guesses that only count, on the held-out text."""
        read, held_out = self.read_and_held_out
        V, counts, pairs = len(self.letters), Counter(read), Counter(pairwise(read))
        alone = {c: (counts[c] + 1) / (len(read) + V) for c in self.letters}
        nats = []
        for before, after in pairwise(held_out):
            followers = [n for (first, _), n in pairs.items() if first == before]
            new = len(followers)  # Witten and Bell: as likely as kinds were seen
            wanted = pairs[before, after] + new * alone[after]
            p = wanted / (sum(followers) + new) if followers else alone[after]
            nats.append(-math.log(p))
        return {
            "blind guess (ln V)": math.log(V),
            "counting tokens (unigram)": np.mean([-math.log(alone[c]) for c in held_out[1:]]),
            "counting pairs (bigram)": np.mean(nats),
        }

    @cached_property
    def around(self) -> Expected:
        """What stands above and below the tabs of a run."""
        said, shown = of_the_form()
        loss, val_loss = self.column("train_loss"), self.column("val_loss")
        steps = self.column("step")
        validated = np.isfinite(val_loss)
        said += [
            ("It reads text.txt", *SHAPE, 0.9, 0.9),
            ("the rate keeps its last value", STEPS, 0.01),
            ("It has passed its text {} times. It computes in float32", self.passes, *self.threads),
        ]
        key = f"curves_{hashlib.sha256(self.folder.name.encode()).hexdigest()[:16]}"
        lines = [(steps, loss), (steps, self.smoothed), (steps[validated], val_loss[validated])]
        lines += [(steps, self.column(name)) for name in ("lr", "grad_norm", "tokens_per_second")]
        lines += [(steps[1:], self.speed)]
        of_text, held_out = (1 / (math.log(2) * each) for each in self.bytes_per_letter)
        ends = (loss[0], loss[-1], val_loss[-1])
        shown |= {
            f"{key}.panels.series.points": [len(x) for x, _ in lines],
            f"{key}.panels.series.name": [
                "training, smoothed by 0.9",
                "all included, over 50 steps",
            ],
            f"{key}.panels.units.factors": [of_text, of_text, held_out],
            f"{key}.panels.limits.clip at": CLIP,
            f"{key}.alt": [(len(loss), *ends)],
            f"{key}.sent": [[*x.tolist(), *y.tolist()] for x, y in lines],
            "runs_table.made": [self.json("about.json")["created"][:16].replace("T", " ")],
            "runs_table.step": [len(loss)],
            "runs_table.best_val_loss": [np.nanmin(val_loss)],
        }
        for name, guess in self.guesses.items():
            shown[f"{key}.panels.limits.{name}"] = guess
        for name in ("step", "train_loss", "val_loss", "lr", "grad_norm", "tokens_per_second"):
            shown[f"metrics_table.{name}"] = self.column(name)
        shown["metrics_table.seconds"] = self.column("seconds")
        for part, seconds in self.time.items():
            shown[f"metrics_table.{part}"] = seconds
        return said, shown

    @cached_property
    def time(self) -> dict[str, np.ndarray]:
        """Seconds of each step by what they went to."""
        rows = [row["time"] for row in self.rows("metrics.jsonl")]
        parts = ("data", "forward", "backward", "optimizer", "other")
        return {part: np.array([row[part] for row in rows]) for part in parts}


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
    said = [
        ("tokens a step · time: measuring", weights, 400 + 4 * numbers / 1e6, B * T),
        ("the last tenth is held out", len(plays), len(text), len(text), V),
        (
            "This run passes its text",
            *(two_digits(n) for n in (2000 * B * T / read, read / weights)),
            *(20, 2022, two_digits(read / 20)),
        ),
        ("Its first {} tokens", 100),
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
        "new_beta1.label": ["Beta 1"],
        "new_beta2.label": ["Beta 2"],
    }
    return said, shown


def two_digits(number: float) -> float:
    return float(f"{number:.2g}")


def trained(root: Path) -> Learnt:
    """Have a tiny run take place in a folder: some steps, snapshots, validations, samples."""
    text = WRITTEN * 200 + HELD_OUT * 7  # of which the last tenth is held out
    (root / "text.txt").write_text(text, encoding="utf-8")
    config = TrainingConfig(
        GPTConfig(len(set(text)), block_size=13, n_layer=2, n_head=3, n_embd=15),
        str(root / "text.txt"),
        tokenizer="char",
        batch_size=3,
        steps=STEPS,
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
        gradient_clip=CLIP,
    )
    work(Run.create(root / NAME, config))
    return Learnt(root / NAME, text)
