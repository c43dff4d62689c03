"""The stages of the path, in the order in which a prompt passes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage of the path: its name in the code, the words beside it, the page about it."""

    name: str
    title: str
    page: str


STAGES = (
    Stage("tokens", "tokens", "tokens"),
    Stage("embeddings", "embeddings", "embeddings"),
    Stage("attention", "attention", "attention"),
    Stage("mlp", "MLP", "mlp"),
    Stage("norm", "final norm", "layer_norms"),
    Stage("logits", "logits", "sampling"),
    Stage("probabilities", "probabilities", "sampling"),
)
