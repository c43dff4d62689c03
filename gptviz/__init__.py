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


# Short ways for notebooks: `from gptviz import attention` gives the numbers of that subject, and
# attention.figures its pictures.
_SUBJECTS = (
    *("anatomy", "attention", "compare", "embeddings", "gradients", "induction", "layer_norms"),
    *("mlp", "patching", "residual", "time_machine", "tokens", "what_if"),
    *("byte_pairs", "debugging", "downhill", "dropout", "gelu_and_relu", "loss", "one_layer"),
    *("positions", "root_d", "scaling", "schedules", "sharing", "shortcuts"),
)


def __getattr__(name: str) -> Any:
    # PyTorch takes a second to import and reads its settings then: whoever uses it pays for it,
    # and the command can answer, and choose the settings, before.
    if name in _SUBJECTS:
        import_module(f"gptviz.subjects.{name}.figures")
        return import_module(f"gptviz.subjects.{name}")
    if name == "show":
        return import_module("gptviz.show")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
