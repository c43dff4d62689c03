"""The form for a new run: a text, a size, how text becomes tokens, and Start."""

import time
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from gptviz.app import show
from gptviz.app.code import Code
from gptviz.app.frame import scheme
from gptviz.app.theme import PALETTES
from gptviz.jobs import estimate, presets
from gptviz.jobs import pace as measure
from gptviz.jobs.presets import Preset
from gptviz.runs import Run, names
from gptviz.subjects.schedules import analysis as schedules
from gptviz.subjects.training import estimate_tab, rights, settings_form
from gptviz.subjects.training import text as texts
from gptviz.subjects.training.live_chart import Panel, Series, live_chart
from gptviz.subjects.training.text import Text
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data, devices
from gptviz.training.config import TrainingConfig
from gptviz.training.record import samples
from gptviz.training.settings import SETTINGS

NAME = "{text} {size}"  # of a run that nobody has named
ONE_CLICK = 2.0  # seconds within which a second click on Start is the same one


@dataclass(frozen=True)
class Draft:
    """A run as the form describes it; its text is kept where a run reads it only at the start."""

    name: str
    text: Text
    config: TrainingConfig


def form(is_open: bool) -> Draft | None:
    """Draw the form; what it says, if that can work. After Start, the new run is the chosen one."""
    if settings_form.BASE not in st.session_state:
        _begin_from_preset(presets.DEFAULT)
    with st.expander("**Train a new model**", expanded=is_open):
        if not rights.may_train():
            show.note(rights.why_not_train())
            return None
        source, sizes, tokens, button = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
        with source:
            text = texts.choose()
        with sizes:
            _size(text.info.vocab_size if text else 256)
        with tokens:
            _tokenizer()
        facts = st.container()
        with st.expander("All settings"):
            name = st.text_input(
                "Name", key="new_name", placeholder="its text and size, if left empty"
            )
            config = _config(text)
        # Drawn only when opened: most who train never look at it.
        rate = st.expander(
            "The learning rate, step by step", key="new_rate_open", on_change="rerun"
        )
        if config and rate.open:
            with rate:
                _rate(config)
        if text:
            with st.expander("Look at the text"):
                texts.look_at(text, scheme())
        texts.look_after_kept()
        refusal = rights.why_not_train(config)
        with facts:
            measured = st.container()  # always there: what draws itself anew keeps its place
            if config and not refusal:
                with measured:
                    estimate_tab.facts(config)
                    if text:
                        estimate_tab.reading(config, text.info)
            if refusal:
                show.note(refusal)
            if not rights.may_send_texts():
                st.caption(rights.NO_UPLOADS_HERE)
        cannot = not config or bool(refusal)
        ready = button.button(
            "Start", type="primary", key="start", disabled=cannot, width="stretch"
        )
        if not text or not config:
            return None
        called = name.strip() or names.usable(NAME.format(text=text.name, size=_size_name()))
        draft = Draft(called, text, config)
        if ready:
            _start(draft)
    return draft


def clone(run: Run) -> None:
    """Set the form to what an earlier run was told; the plays stand in for a text that is not here.

    Raises ValueError for settings of no use.
    """
    config = run.config
    settings_form.begin_from(config)
    texts.learn_from_again(run.text or SHAKESPEARE)
    st.session_state.update(new_size=None, new_name="")


def _begin_from_preset(preset: Preset) -> None:
    settings_form.begin_from(preset.config("", vocab_size=256))


def _size(vocab_size: int) -> None:
    sizes = {preset.name: preset for preset in presets.SIZES}
    st.session_state.setdefault("new_size", presets.DEFAULT.name)
    st.selectbox(
        "Size",
        list(sizes),
        key="new_size",
        persist_state="session",
        index=None,
        format_func=lambda name: sizes[name].title,
        placeholder="as set below",
        help="  \n".join(estimate_tab.of_size(preset, vocab_size) for preset in presets.SIZES),
        on_change=lambda: (
            _begin_from_preset(sizes[st.session_state["new_size"]])
            if st.session_state["new_size"]
            else None
        ),
    )


def _size_name() -> str:
    return st.session_state["new_size"] or "own size"


def _tokenizer() -> None:
    if settings_form.control(SETTINGS["tokenizer"]) == "bpe":
        settings_form.control(SETTINGS["bpe_vocab_size"])


def _config(text: Text | None) -> TrainingConfig | None:
    """What the form says, or None after a sentence that says why it cannot work."""
    try:
        config = settings_form.draw()
        if text is None:
            return None
        config = config.changed({"vocab_size": text.info.vocab_size})
        data.split(np.broadcast_to(np.uint8(0), text.info.tokens), config.model.block_size)
        samples.require_prompt(config, text.info.tokenizer)
        estimate.require_fit(config)
        devices.require_precision(config.precision, devices.best_device())
    except ValueError as error:
        show.failure(settings_form.in_words(error))
        return None
    return config


def _rate(config: TrainingConfig) -> None:
    """The learning rate of each step, as the settings above have it."""
    told = (
        config.schedule,
        config.steps,
        config.warmup_steps,
        config.learning_rate,
        config.min_learning_rate,
        config.decay_steps,
    )
    table = schedules.rates(*told)
    line = Series(
        "learning rate",
        table["step"].to_numpy(),
        table["rate"].to_numpy(),
        PALETTES[scheme()].sequential[3],
    )
    first, last = table["rate"].iloc[0], table["rate"].iloc[-1]
    live_chart(
        [Panel("Learning rate, as these settings have it", [line], [])],
        key="new_rate",
        alt=f"The learning rate of each step: from {first:.2g} to {last:.2g}, at most "
        f"{table['rate'].max():.2g}.",
        waits="",
    )
    code = Code(schedules.rates, (f"table = rates({', '.join(map(repr, told))})",))
    show.numbers(table, "new_rate", code)


def _start(draft: Draft) -> None:
    before = st.session_state.get("started_at", -ONE_CLICK)
    if time.monotonic() - before < ONE_CLICK:
        return
    try:
        run = rights.start(replace(draft.config, data=draft.text.stored()), draft.name)
    except (ValueError, OSError) as error:
        show.failure(error)
        return
    # Once the run is there to be seen, no other measurement begins; one that did slows its first
    # steps, and would be slowed by them.
    measure.cancel()
    st.session_state["started_at"] = time.monotonic()
    st.session_state["run_next"] = run.id
    st.rerun()
