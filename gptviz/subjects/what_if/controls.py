"""Which change, and of which part: each choice in the address."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import streamlit as st

from gptviz.app import choices
from gptviz.app.chips.chips import choose_token
from gptviz.app.frame import View
from gptviz.app.presets import preset_row
from gptviz.subjects.residual.analysis import typed_token
from gptviz.subjects.what_if.changes_analysis import OF_A_PART, Change
from gptviz.subjects.what_if.presets import BY_SLUG, MODEL, PRESETS, Preset

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "off": "Switch a part off",
        "scale": "Make a part stronger or weaker",
        "mean": "Give a part its mean over the text",
        "uniform": "A head looks at all tokens alike",
        "first-token": "A head looks at the first token only",
        "token-before": "A head looks at the token before only",
        "cut": "One token may not look at another",
        "no-positions": "No position embedding",
        "no-norm": "No layer norm in one place",
        "no-residual": "No shortcut in one place",
        "no-mask": "No causal mask in one layer",
        "no-division": "No division by √d in one layer",
    }
)
PARTS: Mapping[str, str] = MappingProxyType(
    {"head": "Head", "attn": "Attention", "mlp": "MLP", "layer": "Layer"}
)
PLACES: Mapping[str, str] = MappingProxyType({"attn": "Attention", "mlp": "MLP"})
OF_A_HEAD: Sequence[str] = ("uniform", "first-token", "token-before")


def change(view: View) -> Change:
    """The change that is chosen, with the controls that it needs."""
    columns = st.columns([3, 2, 2, 2], gap="medium", vertical_alignment="bottom")
    with columns[0]:
        kind = choices.one_of_many("change", "What is otherwise", TITLES)
    chosen: dict[str, Any] = {"kind": kind}
    with columns[1]:
        if kind in OF_A_PART:
            chosen["part"] = choices.one_of_many("part", "Part", PARTS)
        elif kind == "no-residual":
            chosen["part"] = choices.one_of_many("part", "Around", PLACES)
    with columns[2]:
        if kind not in ("no-positions", "no-norm", "cut"):
            chosen["layer"] = choices.layer(view.lm)
    with columns[3]:
        if kind in OF_A_HEAD or chosen.get("part") == "head":
            chosen["head"] = choices.head(view.lm)
        elif kind == "no-norm":
            chosen["norm"] = choices.one_of_many("norm", "Layer norm", norms(view))
    if kind == "cut":
        chosen["query"] = choose_token(view.tokens, view.scheme, label="Token that looks")
        chosen["key"] = choose_token(
            view.tokens, view.scheme, "looked_at", "Token that it may not look at", 0
        )
    if kind == "scale":
        chosen["factor"] = st.slider(
            "Times", -2.0, 3.0, 0.5, 0.1, key="factor", bind="query-params"
        )
    return Change(**chosen)


def norms(view: View) -> Mapping[str, str]:
    """The layer norms that can be taken away; the last comes first."""
    n_layer = view.lm.config.n_layer
    blocks = [f"h.{i}.{norm}" for i in range(n_layer) for norm in ("ln_1", "ln_2")]
    return {norm: norm for norm in ("ln_f", *blocks)}


def effect_on(view: View, titles: Mapping[str, str]) -> tuple[str, int | None]:
    """What switching off each head is measured by, and of which token, where it is about one.

    Raises ValueError for a text that is no single token.
    """
    columns = st.columns(2, gap="medium", vertical_alignment="bottom")
    with columns[0]:
        by = choices.one_of("effect_on", "Measured by", titles)
    if by != "likeliest":
        return by, None
    logits = view.trace.logits[-1]
    likeliest = int(logits.argmax())
    with columns[1]:
        typed = st.text_input(
            "The next token",
            key="effect_token",
            bind="query-params",
            max_chars=60,
            placeholder=f"left empty: “{view.lm.tokenizer.pieces([likeliest])[0]}”, the likeliest",
        )
    return by, typed_token(view.lm, typed, logits) if typed else likeliest


def presets() -> None:
    """A row of changes to begin with."""
    preset_row(BY_SLUG, MODEL, _take)


def preset_of(view: View, change: Change) -> Preset | None:
    """The preset that is on the screen, if it is one; with no special token before its text."""
    if view.special.begin:
        return None
    here = (view.lm.name, view.prompt, change)
    return next((p for p in PRESETS if here == (MODEL, p.prompt, p.change)), None)


def _take(preset: Preset) -> None:
    change = preset.change
    chosen = {"change": change.kind, "part": change.part, "layer": change.layer}
    st.session_state.update({**chosen, "head": change.head})
