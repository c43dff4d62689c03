"""Where vectors are read, and which token of two texts."""

from collections.abc import Sequence

from gptviz.app import choices
from gptviz.language_model import LanguageModel


def stage(lm: LanguageModel) -> str:
    """Where vectors are read, as the name of an activation: wte, embed, or after a layer h.i."""
    layers = {f"h.{i}": f"after L{i}" for i in range(lm.config.n_layer)}
    stages = {"wte": "token", "embed": "token + position", **layers}
    return choices.one_in_order("stage", "Where the vectors are read", stages)


def shared_token(positions: Sequence[int], tokens: Sequence[str]) -> int:
    """One of some positions of the prompt, shown with their tokens; the last unless chosen."""
    named = {str(i): f"{i} {tokens[i]}" for i in reversed(positions)}
    return int(choices.one_of_many("shared_token", "A token of both texts", named))
