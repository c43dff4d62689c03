"""What a training run is told: the model's shape, the text, and how to learn from it."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from gptviz.config import GPTConfig

TokenizerKind = Literal["char", "gpt2", "bpe"]
Precision = Literal["auto", "float32", "bfloat16"]
Schedule = Literal["cosine", "linear", "constant"]
Optimizer = Literal["adamw", "muon"]
MOST_SNAPSHOTS = 100
SHORTEST_PRACTICE = 3  # tokens of a context in which the second of two can be known


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the course of a run. Raises ValueError if it cannot work.

    A step reads batch_size × accumulation texts of model.block_size tokens.
    """

    model: GPTConfig
    data: str  # a UTF-8 text, or a folder that `gptviz prepare` made
    tokenizer: TokenizerKind = "gpt2"
    bpe_vocab_size: int = 2048  # of the tokenizer "bpe", which is trained on the text itself
    end_of_text: bool = False  # whether <|endoftext|> in the text is that token, or ordinary text
    copy_steps: int = 0  # steps at the beginning in which the model only practises copying
    repeat_share: float = 0.0  # share of the windows, afterwards, in which it goes on practising
    line_start_share: float = 0.0  # share of the windows that begin where a line begins
    guide_previous: float = 0.0  # how strongly one head is paid for looking at the token before
    batch_size: int = 16
    accumulation: int = 1
    steps: int = 1000
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-4
    warmup_steps: int = 50
    schedule: Schedule = "cosine"  # how the rate goes down to its minimum after the warm-up
    optimizer: Optimizer = "adamw"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    gradient_clip: float = 1.0
    vocab_sample: int = 0  # tokens that a step's loss looks for the right one among; 0: all
    precision: Precision = "auto"
    eval_interval: int = 50
    eval_windows: int = 64
    patience: int = 0  # validations without a new best one after which the run ends; 0: never
    seed: int = 0
    sample_interval: int = 0  # steps between two sample texts; 0: none
    sample_prompt: str = "\n"
    sample_tokens: int = 120
    snapshots: int = 24  # how many, at steps spaced evenly on a log scale
    detail_interval: int = 10  # steps between two rows of layers.jsonl; 0: none

    def __post_init__(self) -> None:
        for name, least in (
            ("batch_size", 1),
            ("accumulation", 1),
            ("steps", 1),
            ("warmup_steps", 0),
            ("eval_interval", 1),
            ("eval_windows", 1),
            ("patience", 0),
            ("copy_steps", 0),
            ("vocab_sample", 0),
            ("seed", 0),
            ("bpe_vocab_size", 257),  # the 256 bytes, and the sign for the end of a text
            ("sample_interval", 0),
            ("sample_tokens", 1),
            ("snapshots", 0),
            ("detail_interval", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} is {value!r}; it must be a whole number, {least} or more")
        if self.seed >= 2**32:
            raise ValueError(f"seed is {self.seed}; it must be below {2**32}")
        if self.snapshots > MOST_SNAPSHOTS:
            raise ValueError(f"snapshots is {self.snapshots}; it must be at most {MOST_SNAPSHOTS}")
        if not isinstance(self.sample_prompt, str) or not self.sample_prompt:
            raise ValueError(
                f"sample_prompt is {self.sample_prompt!r}; it must be a text of at least one letter"
            )
        for name in ("learning_rate", "gradient_clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be above 0")
        if not 0 <= self.min_learning_rate <= self.learning_rate:
            raise ValueError(
                f"min_learning_rate is {self.min_learning_rate!r}; "
                f"it must lie between 0 and learning_rate, {self.learning_rate!r}"
            )
        for name in ("weight_decay", "guide_previous"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it cannot be negative")
        for name in ("beta1", "beta2", "repeat_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be in [0, 1)")
        if not 0 <= self.line_start_share <= 1:
            raise ValueError(
                f"line_start_share is {self.line_start_share!r}; it must lie between 0 and 1"
            )
        for name, kind in (
            ("tokenizer", TokenizerKind),
            ("precision", Precision),
            ("schedule", Schedule),
            ("optimizer", Optimizer),
        ):
            if getattr(self, name) not in get_args(kind):
                choices = ", ".join(map(repr, get_args(kind)))
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be one of {choices}")

        if not isinstance(self.end_of_text, bool):
            raise ValueError(f"end_of_text is {self.end_of_text!r}; it must be True or False")
        if (self.copy_steps or self.repeat_share) and self.model.block_size < SHORTEST_PRACTICE:
            raise ValueError(
                f"block_size is {self.model.block_size}; practising to copy needs a context of "
                f"{SHORTEST_PRACTICE} or more, in which two tokens are said again"
            )
        if self.copy_steps >= self.steps:
            raise ValueError(
                f"copy_steps is {self.copy_steps}; it must be below steps, {self.steps}, so that "
                f"the run reads its text, too"
            )

    @property
    def tokens_per_step(self) -> int:
        """How many tokens one optimiser step learns from."""
        return self.batch_size * self.accumulation * self.model.block_size

    def to_dict(self) -> dict[str, Any]:
        """The form that a run's config.json holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """The inverse of to_dict. Raises ValueError for a name that is not a setting."""
        try:
            shape = {**values["model"]}
            shape.pop("attention", None)  # older runs name it; now the learner chooses it
            known = {field.name for kind in (cls, GPTConfig) for field in fields(kind)}
            if unknown := [name for name in (*values, *shape) if name not in known]:
                raise ValueError(
                    f"this gptviz knows no setting {', '.join(unknown)}; take the version that "
                    f"wrote it, or begin a new run"
                )
            return cls(**{**values, "model": GPTConfig(**shape)})
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are not the settings of a training run: {error}") from error
