"""What the sidebar says of the chosen model."""

import streamlit as st

from gptviz.app import look
from gptviz.config import GPTConfig
from gptviz.language_model import LanguageModel


def draw(lm: LanguageModel) -> None:
    """Its size, what it can read, and where it runs."""
    config = lm.config
    st.caption(
        f"{look.look(_n_parameters, lm):,} parameters  \n"
        f"{_shape(config)}  \n"
        f"context {config.block_size:,}  \n"
        f"vocabulary {config.vocab_size:,}  \n"
        f"runs on {lm.model.wte.weight.device.type.upper()}"
    )


def _n_parameters(lm: LanguageModel) -> int:
    return lm.model.n_parameters


def _shape(config: GPTConfig) -> str:
    parts = [f"layers {config.n_layer}"]
    if config.n_layer:
        parts.append(f"heads {config.n_head}" if config.attention else "no attention")
        parts += [] if config.mlp else ["no MLP"]
    return " · ".join([*parts, f"width {config.n_embd}"])
