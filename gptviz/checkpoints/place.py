"""Where models and training runs lie."""

import os
from pathlib import Path

BUNDLED = "shakespeare"


def root() -> Path:
    """The folder of named models: $GPTVIZ_CHECKPOINTS, or checkpoints/ beside the package."""
    beside = Path(__file__).parents[2] / "checkpoints"
    return Path(os.environ.get("GPTVIZ_CHECKPOINTS") or beside)
