"""What a run left behind, read with json and numpy alone, and what its text says by counting."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from transformers import GPT2Config, GPT2LMHeadModel

RECENT = 50  # steps that "lately" means
LAST = 20  # steps whose mean is the last training loss
COUNTED, GUESSED = 2_000_000, 200_000  # tokens of a long text that guesses count and are asked for
# What older runs do not say, as they did it.
USUAL = {"decay_steps": 0, "line_start_share": 0.0, "optimizer": "adamw", "n_inner": None}


@dataclass
class Recorded:
    """A run's folder, and the text that it read."""

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

    @property
    def name(self) -> str:
        """What the screen calls it."""
        return self.json("about.json").get("name", self.folder.name)

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its settings in one level, and of its text only the name."""
        told = self.json("config.json")
        changed = self.json("rates.json")["rates"] if (self.folder / "rates.json").exists() else []
        rates = [f"{rate['learning_rate']:g} from step {rate['step'] + 1}" for rate in changed]
        told |= {"data": Path(told["data"]).name, "rate_changes": ", ".join(rates)}
        return {**USUAL, **told.pop("model"), **told}

    @cached_property
    def tokens(self) -> int:
        """How many a step reads."""
        return self.config["batch_size"] * self.config["accumulation"] * self.config["block_size"]

    @cached_property
    def steps(self) -> int:
        """How many it has taken."""
        return int(self.column("step")[-1])

    @property
    def validations(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps at which the held-out text was read, and the loss there."""
        steps, losses = self.column("step"), self.column("val_loss")
        return steps[np.isfinite(losses)], losses[np.isfinite(losses)]

    @property
    def last_loss(self) -> float:
        """The training loss, as the mean of the last steps."""
        return self.column("train_loss")[-LAST:].mean()

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
        read = [(steps[i] - steps[j]) * self.tokens / (seconds[i] - seconds[j]) for i, j in spans]
        return np.array(read)

    @property
    def counts(self) -> "Counts":
        """What counting the tokens of its text gives."""
        if self.config["tokenizer"] == "char":
            return of_letters(self.text)
        found = next(self.folder.rglob("tokenizer.json"))
        return of_pieces(self.text, found)

    def passes_at(self, step: int) -> float:
        """How often as many tokens as there are to train on were read by then."""
        read = max(0, step - self.config["copy_steps"]) * (1 - self.config["repeat_share"])
        return read * self.tokens / len(self.counts.read)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many numbers its model learns, in all and without embeddings."""
        told = self.config
        shape = {key: told[key] for key in ("vocab_size", "n_embd", "n_layer", "n_head")}
        ends = {"bos_token_id": None, "eos_token_id": None}
        with torch.device("meta"):
            model = GPT2LMHeadModel(GPT2Config(**shape, n_positions=told["block_size"], **ends))
        without = {"none": ("ln_",), "post": ("ln_f",)}.get(told["norm"], ())
        without += ("wpe",) if told["position"] != "learned" else ()
        counts = {
            name: p.numel()
            for name, p in model.transformer.named_parameters()
            if not any(part in name for part in without)
        }
        body = sum(n for name, n in counts.items() if name[:3] not in ("wte", "wpe"))
        return {"parameters": sum(counts.values()), "without embeddings": body}

    def results(self) -> dict[str, float]:
        """What came of it, as a table of runs tells it."""
        loss, seconds = self.column("train_loss"), self.column("seconds")
        steps, val_loss = self.validations
        first = loss[self.config["copy_steps"]]
        taken, time = self.steps - self.column("step")[0], seconds[-1] - seconds[0]
        best = val_loss.min()
        return {
            "steps": self.steps,
            "last_train_loss": self.last_loss,
            "last_val_loss": val_loss[-1],
            "best_val_loss": best,
            "best_step": steps[val_loss.argmin()],
            "best_bits_per_byte": best / math.log(2) / self.counts.bytes_per_token[1],
            "gap": val_loss[-1] - self.last_loss,
            "reduction": 100 * (1 - self.last_loss / first),
            "epochs": self.passes_at(self.steps),
            "seconds": seconds[-1],
            "tokens_per_second_alone": 1 / np.mean(1 / self.column("tokens_per_second")),
            "tokens_per_second": taken * self.tokens / time,
            "tokens_read": self.steps * self.tokens,
            "parameters": self.sizes["parameters"],
        }


@dataclass(frozen=True)
class Counts:
    """A text in tokens: those to learn from and the last tenth, and how many bytes each takes."""

    read: np.ndarray
    held_out: np.ndarray
    bytes_per_token: tuple[float, float]  # of what is read, and of what is held out
    vocabulary: int

    @classmethod
    def of(cls, ids: np.ndarray, sizes: np.ndarray, vocabulary: int) -> "Counts":
        cut = len(ids) - len(ids) // 10
        ratios = sizes[:cut].mean(), sizes[cut:].mean()
        return cls(ids[:cut], ids[cut:], ratios, vocabulary)

    @cached_property
    def guesses(self) -> dict[str, float]:
        """The losses of guesses that only count, on the held-out text."""
        V, read = self.vocabulary, self.read[:COUNTED]
        pairs = np.zeros((V, V))
        np.add.at(pairs, (read[:-1], read[1:]), 1)
        alone = (np.bincount(read, minlength=V) + 1) / (len(read) + V)
        before, after = self.held_out[:GUESSED][:-1], self.held_out[:GUESSED][1:]
        followed, new = pairs.sum(-1), (pairs > 0).sum(-1)
        # Witten and Bell: a token that has not followed yet is as likely as kinds were seen.
        p = pairs + new[:, None] * alone
        p = np.where(followed[:, None] > 0, p / np.maximum(followed + new, 1)[:, None], alone)
        return {
            "blind guess (ln V)": math.log(V),
            "counting tokens (unigram)": -np.log(alone[after]).mean(),
            "counting pairs (bigram)": -np.log(p[before, after]).mean(),
        }


@cache
def of_letters(text: str) -> Counts:
    """Each letter as a token."""
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    letters, ids = np.unique(points, return_inverse=True)
    sizes = np.array([len(chr(point).encode()) for point in letters])
    return Counts.of(ids, sizes[ids], len(letters))


@cache
def of_pieces(text: str, tokenizer: Path) -> Counts:
    """The tokens of a byte-level BPE, in which each byte is written as one sign."""
    reads = tokenizers.Tokenizer.from_file(str(tokenizer))
    found = reads.encode(text)
    sizes = np.array([len(token) for token in found.tokens])
    return Counts.of(np.array(found.ids), sizes, reads.get_vocab_size())


def few(x: np.ndarray, y: np.ndarray, most: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """What a chart draws of a long line: its ends, and of each stretch the lowest and highest."""
    x, y = x[np.isfinite(y)], y[np.isfinite(y)]
    if len(y) <= most:
        return x, y
    stretches = np.array_split(np.arange(1, len(y) - 1), most // 2 - 1)
    ends = [stretch[pick(y[stretch])] for stretch in stretches for pick in (np.argmin, np.argmax)]
    kept = np.unique([0, *ends, len(y) - 1])
    return x[kept], y[kept]


def differing(runs: Sequence[Recorded]) -> list[str]:
    """The settings in which runs differ."""
    names = dict.fromkeys(name for run in runs for name in run.config)
    return [name for name in names if len({repr(run.config.get(name)) for run in runs}) > 1]
