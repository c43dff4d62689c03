"""Settings to start from: sizes of models, and a lesson that shows one thing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptviz.config import GPTConfig
from gptviz.training import data, repeats, texts
from gptviz.training.config import TrainingConfig
from gptviz.training.settings import DROPOUTS

if TYPE_CHECKING:
    from gptviz.runs import Run


@dataclass(frozen=True)
class Preset:
    """Settings of a run that a learner starts with one click."""

    name: str  # for folders and addresses
    title: str
    words: str  # what it is, in a sentence or two
    model: Mapping[str, Any]  # fields of GPTConfig
    settings: Mapping[str, Any]  # fields of TrainingConfig
    make_text: Callable[[str], str] | None = None  # what is learnt from, made of the chosen text

    def config(self, text: str, vocab_size: int) -> TrainingConfig:
        """The settings for a text file (or prepared folder) whose tokenizer has so many tokens.

        Change some with dataclasses.replace.
        """
        model = GPTConfig(vocab_size=vocab_size, **self.model)
        return TrainingConfig(model=model, data=text, **self.settings)

    def reads(self, text: Path) -> str:
        """What is learnt from, of a text file. Raises OSError or ValueError in words."""
        whole = "".join(texts.characters(text))
        return self.make_text(whole) if self.make_text else whole

    def on(self, text: Path) -> TrainingConfig:
        """The settings for a text file; what is made of it is kept beside the models.

        Raises OSError or ValueError in words if the text cannot be used.
        """
        if self.make_text:
            text = data.store(self.reads(text).encode(), f"{text.stem}-{self.name}")
        size = self.settings.get("bpe_vocab_size", TrainingConfig.bpe_vocab_size)
        vocab_size = data.check(text, self.settings["tokenizer"], size).vocab_size
        return self.config(str(text.resolve()), vocab_size)


def latest(runs: Iterable["Run"], preset: Preset) -> "Run | None":
    """The first of the runs that was started from a preset, as the preset is today."""
    wanted = {**preset.model, **preset.settings}
    for run in runs:
        settings = {**run.settings, **run.settings["model"]}
        same = all(settings.get(name) == value for name, value in wanted.items())
        if run.preset == preset.name and same:
            return run
    return None


def shape(
    n_layer: int, n_head: int, n_embd: int, block_size: int, dropout: float = 0.0
) -> dict[str, Any]:
    """Fields of GPTConfig with one dropout for all three places."""
    dropouts = dict.fromkeys(DROPOUTS, dropout)
    sizes = {"n_layer": n_layer, "n_head": n_head, "n_embd": n_embd, "block_size": block_size}
    return {**sizes, **dropouts}


def settings(steps: int, warmup_steps: int = 50, **more: Any) -> dict[str, Any]:
    """Fields of TrainingConfig that these presets have in common."""
    usual = {"tokenizer": "char", "batch_size": 12, "sample_interval": 100}
    return {**usual, "steps": steps, "warmup_steps": warmup_steps, **more}


TINY = Preset(
    "tiny",
    "Tiny",
    "2 layers, width 64. Letters that follow each other, and short words.",
    shape(2, 2, 64, block_size=32),
    settings(1000, gradient_clip=2.0),
)
SMALL = Preset(
    "small",
    "Small",
    "4 layers, width 128. The form of a play, and many English words.",
    shape(4, 4, 128, block_size=64),
    settings(2000, warmup_steps=100, gradient_clip=2.0),
)
MEDIUM = Preset(
    "medium",
    "Medium",
    "6 layers, width 192. Mostly English words.",
    shape(6, 6, 192, block_size=128, dropout=0.1),
    settings(3000, warmup_steps=100, batch_size=16, gradient_clip=2.0),
)
LARGE = Preset(
    "large",
    "Large",
    "6 layers, width 384, context 256. For a machine with a GPU, or a night.",
    shape(6, 6, 384, block_size=256, dropout=0.2),
    settings(5000, warmup_steps=100, batch_size=32, gradient_clip=2.0),
)
SIZES = (TINY, SMALL, MEDIUM, LARGE)
DEFAULT = SMALL
# What they took on the plays: Tiny was trained to its end, and of the others 500, 60 and 6 steps.
SECONDS = {"tiny": 14, "small": 110, "medium": 1400, "large": 34_000}
MEASURED_ON = "one core of an AMD EPYC with PyTorch 2.13"

# A rate of 1e-3 or more was seen to end, with some seeds, in heads that look near and never back.
INDUCTION = Preset(
    "induction",
    "Birth of an induction head",
    "2 layers, width 64, on random characters said again and again. The loss hardly falls until, "
    "after some 500 steps, heads learn to look at what came next last time.",
    shape(2, 4, 64, block_size=64),
    settings(
        1500,
        batch_size=32,
        learning_rate=7e-4,
        min_learning_rate=7e-5,
        precision="float32",
        snapshots=60,
    ),
    make_text=lambda _: repeats.text(),
)
