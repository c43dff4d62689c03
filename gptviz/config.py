"""The shape of a GPT, what each number of it means, and which shapes can work."""

import math
from dataclasses import dataclass
from typing import Literal

from gptviz import setting
from gptviz.quoting import quoted
from gptviz.setting import Setting, SettingError

Position = Literal["learned", "sinusoidal", "none"]
Norm = Literal["pre", "post", "none"]
Activation = Literal["gelu_tanh", "gelu", "relu"]

VOCAB_SIZE = Setting(
    name="vocab_size",
    kind=int,
    least=1,
    unit="tokens",
    label="Vocabulary",
    sentence="How many different tokens the model knows; its tokenizer decides that.",
)
SHAPE = (
    Setting(
        name="n_layer",
        kind=int,
        least=0,
        label="Layers",
        sentence="The blocks that a text passes through, one after another. Without any, only the "
        "last token counts.",
        advice="2 to 6 learn in minutes on a processor.",
    ),
    Setting(
        name="n_head",
        kind=int,
        least=1,
        label="Heads",
        sentence="Attention heads in each block. The width must be divisible by their number.",
    ),
    Setting(
        name="n_embd",
        kind=int,
        least=1,
        step=16,
        label="Width",
        sentence="How many numbers stand for one token.",
        advice="64 to 384 for a small model.",
    ),
    Setting(
        name="block_size",
        kind=int,
        least=1,
        step=16,
        unit="tokens",
        label="Context",
        sentence="How many tokens the model reads at once.",
        advice="64 to 256 for a small model.",
    ),
    Setting(
        name="norm",
        kind=str,
        choices={
            "pre": "before each part (GPT-2)",
            "post": "after each part (2017)",
            "none": "none",
        },
        label="Layer norms",
        sentence="Where the vectors are brought to one scale. Anything but GPT-2's way is harder "
        "to train.",
    ),
    Setting(
        name="position",
        kind=str,
        choices={"learned": "learnt (GPT-2)", "sinusoidal": "waves (2017)", "none": "none"},
        label="Positions",
        sentence="How the model knows where a token stands. Choose none to see what that costs.",
    ),
    Setting(
        name="attention",
        kind=bool,
        label="Attention",
        sentence="Whether the blocks have attention. Without it, no token learns anything of those "
        "before it.",
        rare=True,
    ),
    Setting(
        name="mlp",
        kind=bool,
        label="MLP",
        sentence="Whether the blocks have an MLP. Without it, tokens only gather from each other.",
        rare=True,
    ),
    Setting(
        name="residual",
        kind=bool,
        label="Shortcuts",
        sentence="Whether each part adds to the vector that it reads, in place of replacing it. "
        "GPT-2 does so; without them deep networks hardly learn.",
        rare=True,
    ),
    Setting(
        name="embd_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of embeddings",
        sentence="Share of the numbers that are set to 0 at random as a text enters the model.",
        rare=True,
    ),
    Setting(
        name="attn_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of attention",
        sentence="Share of the attention weights that are set to 0 at random.",
        rare=True,
    ),
    Setting(
        name="resid_pdrop",
        kind=float,
        least=0,
        below=1,
        step=0.05,
        label="Dropout of results",
        sentence="Share of the numbers that are set to 0 at random in what attention and MLP add.",
        rare=True,
    ),
    Setting(
        name="activation",
        kind=str,
        choices={
            "gelu_tanh": "GELU, approximate (GPT-2)",
            "gelu": "GELU, exact",
            "relu": "ReLU (2017)",
        },
        label="Activation",
        sentence="The curve that each number in the middle of an MLP passes through.",
        rare=True,
    ),
    Setting(
        name="layer_norm_epsilon",
        kind=float,
        above=0,
        step=1e-6,
        label="Epsilon of layer norms",
        sentence="A tiny number that keeps a layer norm from dividing by 0.",
        rare=True,
    ),
    Setting(
        name="qkv_bias",
        kind=bool,
        label="Biases of queries, keys and values",
        sentence="Whether a learnt number is added to each number of the queries, keys and values. "
        "GPT-2 does so.",
        rare=True,
    ),
    Setting(
        name="tie_weights",
        kind=bool,
        label="Tied weights",
        sentence="Whether one matrix both turns tokens into vectors and vectors into predictions. "
        "GPT-2 does so; it saves memory.",
        rare=True,
    ),
)


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
                "this model has no blocks (n_layer = 0), so there is nothing to show of them; "
                "choose another model"
            )

    def require_attention(self) -> None:
        """Raise ValueError for a model in which no token looks at another."""
        self.require_blocks()
        if not self.attention:
            raise ValueError(
                "this model has no attention (attention = false): no token looks at another, so "
                "there is nothing to show of it; choose another model"
            )

    def require_mlp(self) -> None:
        """Raise ValueError for a model without hidden units."""
        self.require_blocks()
        if not self.mlp:
            raise ValueError(
                "this model has no MLP (mlp = false), so there are no hidden units to show; choose "
                "another model"
            )
