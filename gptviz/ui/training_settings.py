"""The settings of a new run as controls, and the way between controls and a TrainingConfig."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import streamlit as st

from gptviz.config import GPTConfig, Norm, Position
from gptviz.training.config import Optimizer, Precision, Schedule, TrainingConfig

COLUMNS = 4
BASE = "new_base"  # the settings that the controls change: a preset's, or a cloned run's


@dataclass(frozen=True)
class Setting:
    """One control: a number if its step is one, else a choice between words."""

    name: str  # of a field of TrainingConfig or GPTConfig, or dropout
    label: str
    words: str  # what it is, for who has never heard of it
    least: float = 0
    step: float = 1
    choices: Mapping[str, str] | None = None  # what the screen calls each value

    @property
    def key(self) -> str:
        """Its place in the session."""
        return f"new_{self.name}"


NORMS = {"pre": "before each part (GPT-2)", "post": "after each part (2017)", "none": "none"}
POSITIONS = {"learned": "learnt (GPT-2)", "sinusoidal": "waves (2017)", "none": "none"}
OPTIMIZERS = {"adamw": "AdamW", "muon": "Muon for the blocks, AdamW for the rest"}
SCHEDULES = {"cosine": "along a cosine", "linear": "in a straight line", "constant": "not at all"}
PRECISIONS = {"auto": "whichever is faster", "float32": "float32", "bfloat16": "bfloat16"}

GROUPS: Mapping[str, Sequence[Setting]] = {
    "The model": (
        Setting("n_layer", "Layers", "Blocks that a text passes one after another.", 1),
        Setting("n_head", "Heads", "Attention heads in each block.", 1),
        Setting("n_embd", "Width", "How many numbers stand for one token.", 1, 16),
        Setting("block_size", "Context", "How many tokens it reads at once.", 1, 16),
        Setting("norm", "Layer norms", "Where vectors are brought to one scale.", choices=NORMS),
        Setting("position", "Positions", "How it tells places apart.", choices=POSITIONS),
        Setting(
            "dropout",
            "Dropout",
            "Share of the numbers left out at random while learning, against learning by heart.",
            step=0.05,
        ),
    ),
    "How it learns": (
        Setting("steps", "Steps", "How often the weights are corrected.", 1, 100),
        Setting("batch_size", "Batch size", "Stretches of text read side by side.", 1),
        Setting(
            "line_start_share",
            "Windows from line starts",
            "Share of the stretches that begin where a line begins, as what people type does.",
            step=0.1,
        ),
        Setting(
            "accumulation",
            "Batches a step",
            "Batches whose gradients are added up before one correction.",
            1,
        ),
        Setting(
            "learning_rate",
            "Highest rate",
            "The learning rate after the warm-up: how far a correction goes, at most.",
            step=1e-4,
        ),
        Setting("min_learning_rate", "Last rate", "The learning rate at the end.", step=1e-5),
        Setting(
            "schedule", "Schedule", "How the rate goes down after the warm-up.", choices=SCHEDULES
        ),
        Setting("warmup_steps", "Warm-up", "Steps until the rate is at its highest.", 0, 10),
        Setting("optimizer", "Optimizer", "Makes corrections of gradients.", choices=OPTIMIZERS),
        Setting(
            "weight_decay",
            "Weight decay",
            "How strongly weights are pulled towards 0, against learning by heart.",
            step=0.01,
        ),
        Setting(
            "gradient_clip",
            "Clipping",
            "A gradient longer than this is shortened to it.",
            step=0.1,
        ),
    ),
    "Practising to copy": (
        Setting(
            "copy_steps",
            "Copying lessons",
            "Steps at the beginning on nothing but random tokens said again and again, few at "
            "first. Heads that look back are born there.",
            0,
            100,
        ),
        Setting(
            "repeat_share",
            "Repeated windows",
            "Share of what is read afterwards that is such practice. It counts in the training "
            "loss, but not in the validation loss.",
            step=0.05,
        ),
        Setting(
            "guide_previous",
            "Guided head",
            "How strongly the first head of the first layer is paid for looking at the token "
            "before. 0: not at all.",
            step=0.05,
        ),
    ),
    "Around it": (
        Setting(
            "vocab_sample",
            "Sampled vocabulary",
            "Tokens among which a step looks for the right one, half the commonest and half drawn "
            "anew. 0: all. Quicker for a large vocabulary.",
            0,
            512,
        ),
        Setting("precision", "Precision", "Of the large products.", choices=PRECISIONS),
        Setting(
            "eval_interval",
            "Validate every",
            "Steps between two looks at the held-out text.",
            1,
            10,
        ),
        Setting(
            "patience",
            "Patience",
            "Validations without a new best one after which the run ends early. 0: never.",
        ),
        Setting(
            "sample_interval", "Write every", "Steps between two sample texts. 0: none.", 0, 50
        ),
        Setting("seed", "Seed", "The same seed and settings give the same run."),
    ),
}
SETTINGS = tuple(setting for group in GROUPS.values() for setting in group)
_OF_MODEL = {field.name for field in fields(GPTConfig)}

for _choices, _kind in (
    (NORMS, Norm),
    (POSITIONS, Position),
    (SCHEDULES, Schedule),
    (OPTIMIZERS, Optimizer),
):
    assert set(_choices) == set(get_args(_kind))
assert set(PRECISIONS) == set(get_args(Precision))


def begin_from(config: TrainingConfig) -> None:
    """Set every control to what these settings say; what has no control stays as they say."""
    st.session_state[BASE] = config
    for setting in SETTINGS:
        st.session_state[setting.key] = _value(config, setting)


def draw() -> TrainingConfig:
    """Draw the controls; the settings they say. Raises ValueError where they cannot work."""
    values: dict[str, Any] = {}
    for title, group in GROUPS.items():
        st.markdown(f"**{title}**")
        for first in range(0, len(group), COLUMNS):
            row = group[first : first + COLUMNS]
            for column, setting in zip(st.columns(COLUMNS), row, strict=False):
                with column:
                    values[setting.name] = _control(setting)
    return changed(st.session_state[BASE], values)


def changed(config: TrainingConfig, values: Mapping[str, Any]) -> TrainingConfig:
    """Settings with the values of some controls in them. Raises ValueError if they cannot work."""
    values = dict(values)
    dropout = values.pop("dropout", config.model.resid_pdrop)
    model = {name: values.pop(name) for name in list(values) if name in _OF_MODEL}
    if dropout != config.model.resid_pdrop:  # else all three stay, which may differ
        model.update(embd_pdrop=dropout, attn_pdrop=dropout, resid_pdrop=dropout)
    return replace(config, model=replace(config.model, **model), **values)


def _value(config: TrainingConfig, setting: Setting) -> Any:
    if setting.name == "dropout":
        return config.model.resid_pdrop
    owner = config.model if setting.name in _OF_MODEL else config
    return getattr(owner, setting.name)


def _control(setting: Setting) -> Any:
    keep: dict[str, Any] = {"key": setting.key, "help": setting.words, "persist_state": "session"}
    if setting.choices:
        words = setting.choices
        return st.selectbox(setting.label, list(words), format_func=words.__getitem__, **keep)
    if isinstance(setting.step, int):
        return st.number_input(setting.label, min_value=setting.least, step=setting.step, **keep)
    return st.number_input(setting.label, min_value=0.0, step=setting.step, format="%g", **keep)
