"""The memory that a model of a shape takes, to write with it and to train it."""

import pandas as pd

from gptviz import parameters
from gptviz.config import GPTConfig
from gptviz.jobs import estimate
from gptviz.jobs.estimate import FLOAT, Memory
from gptviz.parameters import Formula
from gptviz.training.config import TrainingConfig

CACHE = Formula((("2", "T", "C", "4"),), "L")  # bytes: keys and values, 4 for each number
WRITING, TRAINING = "writing", "training"


def cache(config: GPTConfig) -> int:
    """Bytes of the keys and values of a whole context, kept so that nothing is read twice."""
    return CACHE.all(parameters.letters(config)) if config.has_attention else 0


def training(config: GPTConfig, batch_size: int = 1) -> Memory:
    """What a step of training needs here, with so many windows of the whole context a batch."""
    return estimate.memory(TrainingConfig(config, "any text", batch_size=batch_size))


def memory(config: GPTConfig) -> pd.DataFrame:
    """Memory by what it holds, in float32: columns use, holds, MB, MiB.

    The use is writing, a text of the whole context, or training on one such text a step. What
    PyTorch itself takes and the copies while a checkpoint is written are left out.
    """
    needed = training(config)
    rows = [
        (WRITING, "weights", FLOAT * parameters.count(config)),
        (WRITING, "keys and values", cache(config)),
        *(
            (TRAINING, holds, getattr(needed, holds))
            for holds in ("weights", "gradients", "optimizer", "activations", "logits")
        ),
    ]
    return pd.DataFrame(
        [(use, holds, n_bytes / 1e6, n_bytes / 2**20) for use, holds, n_bytes in rows],
        columns=["use", "holds", "MB", "MiB"],
    )
