"""Two runs that differ in one thing: whether the output layer is the embedding's matrix."""

from dataclasses import replace

from gptviz.jobs.presets import Preset, settings, shape

SHARED = Preset(
    "shared-matrix",
    "Shared matrix",
    "2 layers, width 128, a vocabulary of 2,048 pieces of words, 1,500 steps.",
    shape(2, 4, 128, block_size=64),
    settings(1500, tokenizer="bpe", learning_rate=3e-3, min_learning_rate=3e-4),
)
OWN = replace(
    SHARED,
    name="matrix-of-its-own",
    title="Matrix of its own",
    model={**SHARED.model, "tie_weights": False},
)
PAIR = (SHARED, OWN)
