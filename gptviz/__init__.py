"""See what happens inside a GPT: `gptviz.load(name)`, then trace or generate."""

from gptviz.language_model import LanguageModel, load
from gptviz.model import GPT, GPTConfig
from gptviz.tracing import Trace

__all__ = ["GPT", "GPTConfig", "LanguageModel", "Trace", "load"]
