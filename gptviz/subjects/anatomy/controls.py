"""The shape that is counted: the loaded model's or a published one, and what is changed of it."""

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from gptviz.app import choices, show
from gptviz.config import GPTConfig
from gptviz.language_model import LanguageModel
from gptviz.setting import Setting, SettingError
from gptviz.shape import SHAPE, VOCAB_SIZE
from gptviz.subjects.anatomy.family_analysis import PUBLISHED

LOADED = "loaded"
# As large as anything that is counted, so that a product of several fits into a table's columns.
MOST = {
    "n_layer": 1_000,
    "n_head": 100_000,
    "n_embd": 100_000,
    "block_size": 1_000_000,
    "vocab_size": 10_000_000,
}
SETTINGS = {setting.name: setting for setting in (*SHAPE, VOCAB_SIZE)}
NUMBERS = {name: replace(SETTINGS[name], most=most) for name, most in MOST.items()}
LABELS = {name: f"“{setting.label}”" for name, setting in NUMBERS.items()}
NARROW = 118  # pixels of a control: five numbers stand in one row
TIED = {"tied": "the embedding", "own": "its own"}
BIAS = {"yes": "with biases", "no": "without"}
# Settings that are words: the key of each in the address, and what is shown for them.
WORDS = {
    "norm": ("shape_norms", {"pre": "before", "post": "after", "none": "none"}),
    "position": ("shape_positions", {"learned": "learnt", "sinusoidal": "waves", "none": "none"}),
}


@dataclass(frozen=True)
class Shape:
    """The chosen shape, and what it is called."""

    config: GPTConfig
    title: str  # a text of ours or a model's name: quote it as `show.literal`
    note: str  # of a published shape whose table cannot be followed
    in_code: str  # an expression that gives the config, where lm is the loaded model


def shape(lm: LanguageModel) -> Shape | None:
    """The shape that the controls say; None, after a sentence, if none can be like that."""
    titles = {slug: model.title for slug, model in PUBLISHED.items()}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        with st.container(width=2 * NARROW):
            whose = choices.one_of_many("shape", "Shape", {LOADED: _called(lm), **titles})
        if st.session_state.get("shape_before", whose) != whose:
            choices.forget(*NUMBERS, "tie_weights", "qkv_bias", *(key for key, _ in WORDS.values()))
        st.session_state["shape_before"] = whose
        base = lm.config if whose == LOADED else PUBLISHED[whose].config
        typed: dict[str, Any] = {
            name: _number(setting, getattr(base, name)) for name, setting in NUMBERS.items()
        }
    with st.container(horizontal=True, gap="medium"):
        tied = choices.pill("tie_weights", "Output layer", TIED, _slug(TIED, base.tie_weights))
        bias = choices.pill("qkv_bias", "Queries, keys, values", BIAS, _slug(BIAS, base.qkv_bias))
        for name, (key, options) in WORDS.items():
            typed[name] = choices.pill(key, SETTINGS[name].label, options, getattr(base, name))
    typed |= {"tie_weights": tied == "tied", "qkv_bias": bias == "yes"}
    changed = {name: value for name, value in typed.items() if value != getattr(base, name)}
    try:
        for name in changed.keys() & NUMBERS.keys():
            NUMBERS[name].check(changed[name])
        config = replace(base, **changed)
    except SettingError as error:
        show.failure(error.called(LABELS))
        return None
    title = _called(lm) if whose == LOADED else PUBLISHED[whose].title
    own = "lm.config" if whose == LOADED else f"PUBLISHED[{whose!r}].config"
    written = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    return Shape(
        config,
        f"{title}, changed" if changed else title,
        "" if whose == LOADED else PUBLISHED[whose].note,
        f"replace({own}, {written})" if changed else own,
    )


def _called(lm: LanguageModel) -> str:
    return f"{lm.name} (loaded)"


def _number(setting: Setting, usual: int) -> int:
    with st.container(width=NARROW):
        return choices.number(
            setting.name, setting.label, usual, int(setting.step), help=setting.sentence
        )


def _slug(options: dict[str, str], is_first: bool) -> str:
    first, second = options
    return first if is_first else second
