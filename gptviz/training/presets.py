"""Settings to start from: sizes of models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gptviz.model import GPTConfig
from gptviz.training.config import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """Settings of a run that a learner starts with one click."""

    name: str  # for folders and addresses
    title: str
    words: str  # what it is, and about how long it takes on two cores
    model: Mapping[str, Any]  # fields of GPTConfig
    settings: Mapping[str, Any]  # fields of TrainingConfig

    def config(self, data: str, vocab_size: int) -> TrainingConfig:
        """The settings for the text file `data`, whose tokenizer has that many tokens.

        Change some with dataclasses.replace.
        """
        model = GPTConfig(vocab_size=vocab_size, attention="fused", **self.model)
        return TrainingConfig(model=model, data=data, **self.settings)


def shape(
    n_layer: int, n_head: int, n_embd: int, block_size: int, dropout: float = 0.0, **more: Any
) -> dict[str, Any]:
    """Fields of GPTConfig with one dropout for all three places."""
    return {
        "n_layer": n_layer,
        "n_head": n_head,
        "n_embd": n_embd,
        "block_size": block_size,
        "embd_pdrop": dropout,
        "attn_pdrop": dropout,
        "resid_pdrop": dropout,
        **more,
    }


TINY = Preset(
    "tiny",
    "Tiny",
    "2 layers, width 64. It learns which letters follow which, and short words.",
    shape(2, 2, 64, block_size=32),
    {"tokenizer": "char", "batch_size": 12, "steps": 1000, "warmup_steps": 50},
)
SMALL = Preset(
    "small",
    "Small",
    "4 layers, width 128. The samples take the form of a play, and most words are English.",
    shape(4, 4, 128, block_size=64),
    {"tokenizer": "char", "batch_size": 12, "steps": 2000, "warmup_steps": 100},
)
MEDIUM = Preset(
    "medium",
    "Medium",
    "6 layers, width 192.",
    shape(6, 6, 192, block_size=128, dropout=0.1),
    {"tokenizer": "char", "batch_size": 16, "steps": 3000, "warmup_steps": 100},
)
LARGE = Preset(
    "large",
    "Large",
    "6 layers, width 384.",
    shape(6, 6, 384, block_size=256, dropout=0.2),
    {"tokenizer": "char", "batch_size": 32, "steps": 5000, "warmup_steps": 100},
)
SIZES = (TINY, SMALL, MEDIUM, LARGE)
DEFAULT = SMALL
