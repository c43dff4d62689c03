"""Where models and training runs lie."""

import os
from pathlib import Path

# The models that ship; the first of them is the one that every page opens with.
ON_BOARD = ("tales", "shakespeare", "story")
_BESIDE = Path(__file__).parents[2] / "checkpoints"


def root() -> Path:
    """The folder of named models: $GPTVIZ_CHECKPOINTS, or checkpoints/ beside the package."""
    return Path(os.environ.get("GPTVIZ_CHECKPOINTS") or _BESIDE)


def can_be_listed(name: str) -> bool:
    """Whether a folder of this name is shown: it is not hidden, and a browser can show it."""
    return name.isprintable() and not name.startswith(".")
