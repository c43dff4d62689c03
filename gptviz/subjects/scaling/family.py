"""Eight models that differ in size, to be trained one after the other on the same batches."""

from dataclasses import replace
from pathlib import Path

from gptviz.config import GPTConfig
from gptviz.jobs.presets import settings, shape
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data
from gptviz.training.config import TrainingConfig

CONTEXT, BATCH, STEPS = 64, 16, 2000
HEAD_WIDTH = 16  # the narrowest
SHAPES = ((1, 16), (1, 24), (1, 32), (2, 32), (2, 48), (3, 64), (4, 80), (4, 112))  # layers, width
NAMES = tuple(f"{layers} × {width}" for layers, width in SHAPES)


def rate(width: int) -> float:
    """The highest learning rate of a model of this width: wide ones need smaller steps.

    Chosen by trying some rates at the widths 16 and 64.
    """
    return 0.4 / width


def family(
    text: Path = SHAKESPEARE, steps: int = STEPS, seed: int = 0
) -> dict[str, TrainingConfig]:
    """The settings of each model, by its layers and its width, from the smallest to the largest.

    All read the same windows of a text, in float32, so that nothing is tried out first. The rate
    falls on a cosine to a tenth. Raises OSError or ValueError in words for a text that cannot be
    used.
    """
    vocab_size = data.check(text, "char").vocab_size
    shared = TrainingConfig(
        GPTConfig(vocab_size=vocab_size),
        str(text.resolve()),
        **settings(
            steps,
            warmup_steps=min(100, steps),
            batch_size=BATCH,
            sample_interval=0,
            precision="float32",
            eval_interval=max(1, steps // 20),
            eval_windows=256,
            snapshots=0,
            detail_interval=0,
            seed=seed,
        ),
    )
    return {
        name: replace(
            shared,
            model=GPTConfig(
                vocab_size=vocab_size, **shape(layers, width // HEAD_WIDTH, width, CONTEXT)
            ),
            learning_rate=rate(width),
            min_learning_rate=rate(width) / 10,
        )
        for name, (layers, width) in zip(NAMES, SHAPES, strict=True)
    }
