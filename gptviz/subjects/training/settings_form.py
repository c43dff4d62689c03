"""The settings of a new run as controls, and the way between controls and a TrainingConfig."""

from typing import Any

import streamlit as st

from gptviz.setting import Setting, SettingError
from gptviz.training.config import TrainingConfig
from gptviz.training.settings import DROPOUT, DROPOUTS, GROUPS, SETTINGS

WIDTH = 230  # pixels of a control: the longest label fits
LABELS = {name: f"“{setting.label}”" for name, setting in SETTINGS.items()}
BASE = "new_base"  # the settings that the controls change: a preset's, or a cloned run's
# What stands above the settings: the text, and how it becomes tokens.
ABOVE = ("data", "tokenizer", "bpe_vocab_size")


def begin_from(config: TrainingConfig) -> None:
    """Set every control to what these settings say."""
    st.session_state[BASE] = config
    for name, told in config.values().items():
        if name != "data":  # which the choice of a text says
            setting = SETTINGS[name]
            st.session_state[_key(setting)] = float(told) if setting.kind is float else told
    _join_dropouts()


def draw() -> TrainingConfig:
    """Draw the controls; the settings they say. Raises SettingError where they cannot work."""
    for group in GROUPS:
        settings = [setting for setting in group.settings if setting.name not in ABOVE]
        usual = [setting for setting in settings if not setting.rare]
        rare = [setting for setting in settings if setting.rare]
        if any(setting.name in DROPOUTS for setting in settings):
            usual.append(DROPOUT)
        st.markdown(f"**{group.title}**")
        _rows(usual)
        if rare:
            with st.expander("More settings"):
                _rows(rare)
    return chosen()


def chosen() -> TrainingConfig:
    """The settings that the controls say. Raises SettingError where they cannot work."""
    return st.session_state[BASE].changed({name: value(name) for name in SETTINGS})


def in_words(error: Exception) -> str:
    """What an error says, with settings called as in this form."""
    return error.called(LABELS) if isinstance(error, SettingError) else str(error)


def value(name: str) -> Any:
    """What the control of a setting says; one that is not drawn stays as it was."""
    setting, base = SETTINGS[name], st.session_state[BASE]
    return st.session_state.get(_key(setting), base.values()[name])


def control(setting: Setting) -> Any:
    """Draw one control; its value."""
    said = setting.unit in setting.label.lower()
    unit = f" ({setting.unit})" if setting.unit and not said else ""
    label = f"{setting.label}{unit}"
    keep: dict[str, Any] = {
        "key": _key(setting),
        "help": f"{' '.join(filter(None, (setting.sentence, setting.advice)))} "
        f"In files and commands: `{setting.name}`.",
        "persist_state": "session",
    }
    if setting.name in DROPOUTS:
        keep["on_change"] = _join_dropouts
    if setting.choices:
        words = setting.choices
        return st.selectbox(label, list(words), format_func=words.__getitem__, **keep)
    if setting.kind is bool:
        return st.checkbox(label, **keep)
    if setting.kind is str:
        return st.text_area(label, height=68, **keep)
    if setting is DROPOUT:
        keep |= {"value": None, "placeholder": "they differ", "on_change": _spread_dropout}
    # Without limits: a browser would refuse a number outside of them without a sentence, and the
    # run would take the one before.
    kind, form = setting.kind, "%d" if setting.kind is int else "%g"
    return st.number_input(label, step=kind(setting.step), format=form, **keep)


def _rows(settings: list[Setting]) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        for setting in settings:
            with st.container(width=WIDTH):
                control(setting)


def _key(setting: Setting) -> str:
    """Its place in the session."""
    return f"new_{setting.name}"


def _join_dropouts() -> None:
    """Show the one dropout that stands for three, or that they differ."""
    found = {st.session_state[_key(SETTINGS[name])] for name in DROPOUTS}
    st.session_state[_key(DROPOUT)] = found.pop() if len(found) == 1 else None


def _spread_dropout() -> None:
    dropout = st.session_state[_key(DROPOUT)]
    if dropout is None:  # emptied by hand
        _join_dropouts()
    else:
        st.session_state.update({_key(SETTINGS[name]): dropout for name in DROPOUTS})
