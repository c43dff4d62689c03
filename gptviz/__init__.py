"""See what happens inside a GPT: `gptviz.load(name)`, then trace or generate."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gptviz.activations import Trace
    from gptviz.config import GPTConfig
    from gptviz.language_model import LanguageModel, load
    from gptviz.model import GPT

__all__ = ["GPT", "GPTConfig", "LanguageModel", "Trace", "load"]

# Where Linux leaves it to the program, large tensors lie in large pages: a training step takes a
# third less time, a trace or a token of a large model a tenth. PyTorch reads this only once.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

_HOME = {
    "GPT": "gptviz.model",
    "GPTConfig": "gptviz.config",
    "LanguageModel": "gptviz.language_model",
    "Trace": "gptviz.activations",
    "load": "gptviz.language_model",
}


def __getattr__(name: str) -> Any:
    # PyTorch takes a second to import and reads its settings then: whoever uses it pays for it,
    # and the command can answer, and choose the settings, before.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
