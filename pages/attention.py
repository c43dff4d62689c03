"""Attention: where each token looks."""

from functools import partial

import streamlit as st

from gptviz.app import choices, clicks, look, show
from gptviz.app.choices import Tab
from gptviz.app.frame import frame
from gptviz.subjects.attention import analysis as attention
from gptviz.subjects.attention import finding, tabs
from gptviz.subjects.attention import onward_tabs as onward
from gptviz.subjects.attention.arithmetic_tabs import arithmetic
from gptviz.subjects.attention.grid import attention_grid
from gptviz.subjects.attention.painting import painted
from gptviz.subjects.attention.painting_analysis import find_painted
from gptviz.subjects.attention.painting_tabs import paint
from gptviz.subjects.attention.tabs import Patterns

view = frame("attention")
own = look.look(attention.patterns, view.trace)
at = finding.open_head(view)
layer, head = at.layer, at.head
query = clicks.clicked("position", len(view.ids), default=len(view.ids) - 1)
painting = painted(len(view.ids))
most_like_it = look.look(find_painted, view.trace, painting)
finding.sentence(view, at, own[layer, head], query, most_like_it)

with st.container(key="heads"):
    all_heads, one_head = st.columns([5, 8], gap="medium")
with all_heads:
    place = st.container()
    finding.chips(view, at, most_like_it)
    patterns = Patterns(own, choices.switch("without_first", "Leave out the first token"))
with place:
    attention_grid(patterns.shown, (layer, head), view.scheme)
with all_heads:
    show.source(patterns.named("h.*.attn.pattern"), tuple(own.shape), tabs.how_to_read(patterns))

with one_head:
    choices.tabs(
        {
            "one-head": Tab("Map", partial(tabs.one_head, view, patterns, layer, head, query)),
            "lines": Tab("Lines", partial(tabs.lines, view, patterns, layer, head, query)),
            "arithmetic": Tab("Arithmetic", partial(arithmetic, view, layer, head, query)),
            "brings": Tab("Brings", partial(onward.contribution, view, layer, head, query)),
            "any-token": Tab("Any token", partial(onward.any_token, view, layer, head, query)),
            "head-map": Tab("All heads", partial(tabs.head_map, view, patterns, layer, head)),
            "paint": Tab(
                finding.PAINT_TAB,
                partial(paint, view, painting, most_like_it, (layer, head), query),
            ),
            "over-heads": Tab("Mean", partial(tabs.over_heads, view, patterns, layer, query)),
            "rollout": Tab("Rollout", partial(onward.flow, view, layer, query)),
        }
    )
