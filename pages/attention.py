"""Attention: where each token looks."""

import streamlit as st

from gptviz.analysis import attention
from gptviz.ui import attention_details as details
from gptviz.ui import controls, parts
from gptviz.ui.components.attention_grid import attention_grid
from gptviz.ui.frame import frame

view = frame("attention")
places = st.columns([2, 2, 2, 2.5], gap="medium", vertical_alignment="center")
with places[0]:
    layer = controls.layer(view.lm)
with places[1]:
    head = controls.head(view.lm)
with places[2]:
    query = controls.position(view)
hide = places[3].toggle(
    "Hide token 0, renormalise", key="without_first", bind="query-params", wrap=True
)

patterns = attention.patterns(view.trace)
shown = attention.without_first(patterns) if hide else patterns
changed, note = (details.HIDDEN_NAME, details.HIDDEN) if hide else ("", "")
side = attention_grid(shown, view.tokens, (layer, head), view.scheme)
blocks = f"Each dot is the largest weight among {side} × {side} tokens." if side > 1 else ""
parts.source(
    f"h.*.attn.pattern{changed}",
    tuple(patterns.shape),
    "one square a head: rows look, columns are looked at, in the order of the text. Point at a "
    f"head to see it larger, click it to choose it. {blocks} {note}",
)

name = f"h.{layer}.attn.pattern[{head}]{changed}"
parts.tabs(
    "details",
    {
        "One head": lambda: details.one_head(view, shown[layer, head], name, query, note),
        "Lines": lambda: details.lines(view, shown[layer, head], name, query, note),
        "Arithmetic": lambda: details.arithmetic(view, layer, head, query),
        "Map of heads": lambda: details.head_map(view, patterns, (layer, head)),
        "Mean and maximum": lambda: details.over_heads(
            view, shown[layer], f"h.{layer}.attn.pattern{changed}", query, note
        ),
    },
)
