"""The shape of a GPT, what each number of it means, and which shapes can work."""

import math
from dataclasses import dataclass
from typing import Literal

from gptviz import setting
from gptviz.quoting import quoted
from gptviz.setting import SettingError
from gptviz.shape import SHAPE, VOCAB_SIZE

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
    attention: bool = True  # whether the blocks have these two parts
    mlp: bool = True
    residual: bool = True
    activation: Activation = "gelu_tanh"
    layer_norm_epsilon: float = 1e-5
    # What models found elsewhere may have, under Hugging Face's names; nothing trained here does.
    n_inner: int | None = None  # the width inside an MLP; None is 4 · n_embd
    scale_attn_weights: bool = True  # scores are divided by √d
    scale_attn_by_inverse_layer_idx: bool = False  # and by 1, 2, 3 … from the first layer on

    def __post_init__(self) -> None:
        setting.check((VOCAB_SIZE, *SHAPE), self)
        if self.n_inner is not None and (type(self.n_inner) is not int or self.n_inner < 1):
            raise ValueError(
                f"n_inner is {quoted(self.n_inner)}; it must be a whole number from 1 on"
            )
        for name in ("scale_attn_weights", "scale_attn_by_inverse_layer_idx"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(
                    f"{name} is {quoted(getattr(self, name))}; it must be true or false"
                )
        self._check_parts()
        if self.has_attention and self.n_embd % self.n_head:
            raise SettingError(
                f"{{n_embd}} {self.n_embd} cannot be shared out among {self.n_head} heads; "
                f"choose another that {{n_head}} divides"
            )
        if self.norm == "post" and not self.residual:
            raise SettingError(
                "with {norm} post the sums themselves are normalised; without {residual} there are "
                "none, so choose {norm} pre or none"
            )
        if self.position == "sinusoidal" and self.n_embd % 2:
            raise SettingError(
                f"{{n_embd}} is {self.n_embd}; positions as waves need an even number"
            )

    def _check_parts(self) -> None:
        """Raise SettingError where blocks, or what they are made of, are left out without sense."""
        if self.n_layer and not (self.attention or self.mlp):
            raise SettingError(
                "blocks without {attention} and {mlp} do nothing; leave one of the two in, or "
                "choose {n_layer} 0"
            )
        if not self.residual and not (self.has_attention and self.has_mlp):
            raise SettingError(
                "without {residual} each part takes the place of the vector, so all that lacks "
                "{attention} or {mlp} would be nothing; leave {residual} in, or nothing else out"
            )
        if self.norm == "post" and not self.n_layer:
            raise SettingError(
                "{norm} post stands after the parts of blocks, and with {n_layer} 0 there are "
                "none; choose {norm} pre or none"
            )

    @property
    def has_attention(self) -> bool:
        """Whether there is any attention in the model."""
        return self.attention and self.n_layer > 0

    @property
    def has_mlp(self) -> bool:
        """Whether there is any MLP in the model."""
        return self.mlp and self.n_layer > 0

    @property
    def sizes(self) -> str:
        """Layers, heads and width in a line, and what the layers do without."""
        if not self.n_layer:
            return f"no layers, width {self.n_embd}"
        heads = f"{self.n_head} heads" if self.attention else "no attention"
        mlp = "" if self.mlp else ", no MLP"
        return f"{self.n_layer} layers × {heads} × width {self.n_embd}{mlp}"

    @property
    def stream(self) -> list[str]:
        """The names of the residual stream: as it enters the first block, and after each one."""
        return ["embed", *(f"h.{i}" for i in range(self.n_layer))]

    @property
    def mlp_width(self) -> int:
        """How many hidden units the MLP of a block has."""
        return 4 * self.n_embd if self.n_inner is None else self.n_inner

    def attn_divisor(self, layer: int) -> float:
        """What a layer's products of queries and keys are divided by to be scores: GPT-2's √d."""
        divisor = math.sqrt(self.n_embd // self.n_head) if self.scale_attn_weights else 1.0
        return divisor * (layer + 1) if self.scale_attn_by_inverse_layer_idx else divisor

    def require_shortcuts(self, so: str) -> None:
        """Raise ValueError, with what follows, for a model whose parts do not add to the stream."""
        if not self.residual:
            raise ValueError(
                f"this model has no shortcuts (residual = false), {so}; choose another model"
            )

    def require_blocks(self) -> None:
        """Raise ValueError for a model without a block."""
        if not self.n_layer:
            raise ValueError(
                "this model has no blocks (n_layer = 0), and this is about what happens in them; "
                "choose another model"
            )

    def require_attention(self) -> None:
        """Raise ValueError for a model in which no token looks at another."""
        self.require_blocks()
        if not self.attention:
            raise ValueError(
                "this model has no attention (attention = false): no token looks at another, and "
                "this is about how they do; choose another model"
            )

    def require_mlp(self) -> None:
        """Raise ValueError for a model without hidden units."""
        self.require_blocks()
        if not self.mlp:
            raise ValueError(
                "this model has no MLP (mlp = false), so there are no hidden units to show; choose "
                "another model"
            )
