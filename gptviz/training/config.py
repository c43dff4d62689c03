"""What a training run is told: the model's shape, the text, and how to learn from it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from gptviz import setting
from gptviz.config import GPTConfig
from gptviz.quoting import quoted
from gptviz.setting import SettingError
from gptviz.training.settings import OF_THE_MODEL, OF_THE_RUN, SETTINGS

TokenizerKind = Literal["char", "gpt2", "bpe"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Schedule = Literal["cosine", "linear", "step", "constant"]
Optimizer = Literal["sgd", "momentum", "adam", "adamw", "muon"]
SHORTEST_PRACTICE = 3  # tokens of a context in which the second of two can be known


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the course of a run. Raises ValueError if it cannot work.

    What each setting means and takes stands in gptviz.training.settings, its default here.
    A step reads batch_size × accumulation texts of model.block_size tokens.
    """

    model: GPTConfig
    data: str  # a UTF-8 text, or a folder that `gptviz prepare` made
    tokenizer: TokenizerKind = "char"
    bpe_vocab_size: int = 2048
    end_of_text: bool = False
    copy_steps: int = 0
    repeat_share: float = 0.0
    line_start_share: float = 0.0
    guide_previous: float = 0.0
    batch_size: int = 16
    accumulation: int = 1
    steps: int = 1000
    learning_rate: float = 1e-3
    min_learning_rate: float = 1e-4
    warmup_steps: int = 50
    decay_steps: int = 0
    schedule: Schedule = "cosine"
    optimizer: Optimizer = "adamw"
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.99
    gradient_clip: float = 1.0
    vocab_sample: int = 0
    precision: Precision = "auto"
    eval_interval: int = 50
    eval_windows: int = 64
    patience: int = 0
    seed: int = 0
    sample_interval: int = 0
    sample_prompt: str = "\n"
    sample_tokens: int = 120
    snapshots: int = 24  # spaced evenly on a log scale
    detail_interval: int = 10

    def __post_init__(self) -> None:
        setting.check(OF_THE_RUN, self)
        if self.min_learning_rate > self.learning_rate:
            raise SettingError(
                f"{{min_learning_rate}} is {quoted(self.min_learning_rate)}; "
                f"it must lie between 0 and {{learning_rate}}, {quoted(self.learning_rate)}"
            )
        if (self.copy_steps or self.repeat_share) and self.model.block_size < SHORTEST_PRACTICE:
            raise SettingError(
                f"{{block_size}} is {self.model.block_size}; practising to copy needs a context of "
                f"{SHORTEST_PRACTICE} or more, in which two tokens are said again"
            )
        if self.optimizer == "muon" and not self.model.n_layer:
            raise SettingError(
                "{optimizer} muon is for the matrices of blocks, and with {n_layer} 0 there are "
                "none; choose {optimizer} adamw"
            )
        if self.guide_previous and not self.model.has_attention:
            raise SettingError(
                "{guide_previous} guides a head, and this model has no attention; set it to 0"
            )
        if self.copy_steps >= self.steps:
            raise SettingError(
                f"{{copy_steps}} is {self.copy_steps}; it must be below {{steps}}, {self.steps}, "
                f"so that the run reads its text, too"
            )

    @property
    def tokens_per_step(self) -> int:
        """How many tokens one optimiser step learns from."""
        return self.batch_size * self.accumulation * self.model.block_size

    def passes(self, train_tokens: int, steps: int | None = None) -> float:
        """How often so many steps, or all, pass a text of that many tokens: its epochs.

        Windows are drawn at random, so it is a mean over the text. Practice in copying reads none.
        """
        reading = max(0, (self.steps if steps is None else steps) - self.copy_steps)
        return reading * self.tokens_per_step * (1 - self.repeat_share) / train_tokens

    def values(self) -> dict[str, Any]:
        """Every setting by its name, those of the model among them."""
        return {
            name: getattr(self.model if name in OF_THE_MODEL else self, name) for name in SETTINGS
        }

    def changed(self, values: Mapping[str, Any]) -> "TrainingConfig":
        """The same with other values of some settings. Raises ValueError if they cannot work."""
        shape = {field.name for field in fields(GPTConfig)} & values.keys()
        model = replace(self.model, **{name: values[name] for name in shape})
        rest = {name: value for name, value in values.items() if name not in shape}
        return replace(self, model=model, **rest)

    def to_dict(self) -> dict[str, Any]:
        """The form that a run's config.json holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingConfig":
        """The inverse of to_dict. Raises ValueError for a name that is not a setting."""
        try:
            shape = {**values["model"]}
            if isinstance(shape.get("attention"), str):  # in older runs, how it was computed
                del shape["attention"]
            known = {field.name for kind in (cls, GPTConfig) for field in fields(kind)}
            if unknown := [name for name in (*values, *shape) if name not in known]:
                raise ValueError(
                    f"this gptviz knows no setting {', '.join(unknown)}; take the version that "
                    f"wrote it, or begin a new run"
                )
            return cls(**{**values, "model": GPTConfig(**shape)})
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are not the settings of a training run: {error}") from error
