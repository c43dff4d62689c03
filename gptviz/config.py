"""The shape of a GPT, and which shapes can work."""

from dataclasses import dataclass
from typing import Literal, get_args

Position = Literal["learned", "sinusoidal", "none"]
Norm = Literal["pre", "post", "none"]
Activation = Literal["gelu_tanh", "gelu", "relu"]


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT; the defaults are GPT-2 small. Raises ValueError if it cannot work."""

    vocab_size: int = 50257
    block_size: int = 1024  # the longest text that the model can read: its context
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    resid_pdrop: float = 0.1
    qkv_bias: bool = True
    tie_weights: bool = True
    position: Position = "learned"
    norm: Norm = "pre"
    activation: Activation = "gelu_tanh"
    layer_norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd {self.n_embd} cannot be shared out among {self.n_head} heads; "
                f"choose an n_embd that n_head divides"
            )
        for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < 1:
                raise ValueError(f"{name} is {value!r}; a dropout must be at least 0 and below 1")
        for name in ("qkv_bias", "tie_weights"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it must be True or False")
        for name, kind in (
            ("position", Position),
            ("norm", Norm),
            ("activation", Activation),
        ):
            value = getattr(self, name)
            if value not in get_args(kind):
                choices = ", ".join(map(repr, get_args(kind)))
                raise ValueError(f"{name} is {value!r}; it must be one of {choices}")
        if self.position == "sinusoidal" and self.n_embd % 2:
            raise ValueError(f"sinusoidal positions need an even n_embd, not {self.n_embd}")
        epsilon = self.layer_norm_epsilon
        if not isinstance(epsilon, int | float) or not epsilon > 0:
            raise ValueError(f"layer_norm_epsilon is {epsilon!r}; it must be above 0")
