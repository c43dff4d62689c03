"""The form for a new run: a text, a size, how text becomes tokens, and Start."""

import time
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from gptviz.analysis import estimate
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data, jobs, measure, presets
from gptviz.training.config import TokenizerKind, TrainingConfig
from gptviz.training.presets import Preset
from gptviz.training.runs import Run
from gptviz.ui import parts, training_estimate, training_settings, training_text
from gptviz.ui.training_text import Text

TOKENIZERS: dict[TokenizerKind, str] = {
    "char": "characters",
    "bpe": "BPE trained on this text",
    "gpt2": "GPT-2's BPE",
}
SAMPLES_EVERY = 100  # steps
ONE_CLICK = 2.0  # seconds within which a second click on Start is the same one


@dataclass(frozen=True)
class Draft:
    """A run as the form describes it; its text is kept where a run reads it only at the start."""

    name: str
    text: Text
    config: TrainingConfig


def form(is_open: bool) -> Draft | None:
    """Draw the form; what it says, if that can work. After Start, the new run is the chosen one."""
    if training_settings.BASE not in st.session_state:
        _begin_from_preset(presets.DEFAULT)
    with st.expander("**Train a new model**", expanded=is_open):
        texts, sizes, tokens, button = st.columns([3, 3, 3, 2], vertical_alignment="bottom")
        with sizes:
            _size()
        with tokens:
            kind, bpe_vocab_size = _tokenizer()
        with texts:
            text = training_text.choose(kind, bpe_vocab_size)
        facts = st.container()
        with st.expander("All settings"):
            name = st.text_input(
                "Name", key="new_name", placeholder="its text and size, if left empty"
            )
            config = _config(text, kind, bpe_vocab_size)
        if text:
            with st.expander("Look at the text"):
                training_text.look_at(text)
        with facts:
            if config:
                training_estimate.facts(config)
        ready = button.button(
            "Start", type="primary", key="start", disabled=not config, width="stretch"
        )
        if not text or not config:
            return None
        draft = Draft(name.strip() or f"{text.name} {_size_name()}", text, config)
        if ready:
            _start(draft)
    return draft


def clone(run: Run) -> None:
    """Set the form to what an earlier run was told; the plays stand in for a text that is not here.

    Raises ValueError for settings of no use.
    """
    config = run.config
    training_settings.begin_from(config)
    training_text.learn_from_again(run.text or SHAKESPEARE)
    st.session_state.update(new_tokenizer=config.tokenizer, new_size=None, new_name="")
    st.session_state["new_bpe_vocab_size"] = config.bpe_vocab_size


def _begin_from_preset(preset: Preset) -> None:
    config = preset.config("", vocab_size=256)
    training_settings.begin_from(replace(config, sample_interval=SAMPLES_EVERY))
    st.session_state["new_tokenizer"] = config.tokenizer


def _size() -> None:
    titles = {preset.title: preset for preset in presets.SIZES}
    st.session_state.setdefault("new_size", presets.DEFAULT.title)
    st.selectbox(
        "Size",
        list(titles),
        key="new_size",
        persist_state="session",
        index=None,
        placeholder="as set below",
        help="  \n".join(f"**{preset.title}**: {preset.words}" for preset in presets.SIZES),
        on_change=lambda: (
            _begin_from_preset(titles[st.session_state["new_size"]])
            if st.session_state["new_size"]
            else None
        ),
    )


def _size_name() -> str:
    return (st.session_state["new_size"] or "own size").lower()


def _tokenizer() -> tuple[TokenizerKind, int]:
    kind = st.selectbox(
        "Tokens",
        list(TOKENIZERS),
        key="new_tokenizer",
        persist_state="session",
        format_func=TOKENIZERS.__getitem__,
        help="What the text is cut into. Characters: few and simple, good for small models. BPE: "
        "frequent pieces of words; one trained on this text fits it, GPT-2's knows 50,257.",
    )
    size = 2048
    if kind == "bpe":
        size = int(
            st.number_input(
                "Vocabulary",
                min_value=257,
                max_value=65_536,
                value=size,
                step=256,
                key="new_bpe_vocab_size",
                persist_state="session",
                help="How many different tokens it has: the 256 bytes and learnt pieces.",
            )
        )
    return kind, size


def _config(text: Text | None, kind: TokenizerKind, bpe_vocab_size: int) -> TrainingConfig | None:
    """What the form says, or None after a sentence that says why it cannot work."""
    try:
        config = training_settings.draw()
        if text is None:
            return None
        model = replace(config.model, vocab_size=text.info.vocab_size)
        config = replace(config, model=model, tokenizer=kind, bpe_vocab_size=bpe_vocab_size)
        data.split(np.broadcast_to(np.uint8(0), text.info.tokens), model.block_size)
        estimate.require_fit(config)
    except ValueError as error:
        parts.failure(error)
        return None
    return config


def _start(draft: Draft) -> None:
    before = st.session_state.get("started_at", -ONE_CLICK)
    if time.monotonic() - before < ONE_CLICK:
        return
    try:
        run = jobs.start(replace(draft.config, data=draft.text.stored()), draft.name)
    except (ValueError, OSError) as error:
        parts.failure(error)
        return
    # Once the run is there to be seen, no other measurement begins; one that did slows its first
    # steps, and would be slowed by them.
    measure.cancel()
    st.session_state["started_at"] = time.monotonic()
    st.session_state["run_next"] = run.id
    st.rerun()
