"""The overview: the path of a prompt through the network as one picture."""

import streamlit as st

from gptviz.analysis.overview import journey_table
from gptviz.ui import controls, parts, resources
from gptviz.ui.components.path_picture import path_picture
from gptviz.ui.frame import frame

view = frame("overview")
position = controls.position(view)
likeliest = resources.likeliest(view.lm, view.ids, position, view.waiting)
journey = resources.journey(view.lm, view.ids, view.waiting)

path_picture(view, journey, likeliest, position, size="large", place="overview")
parts.source(
    f"embed, h.0 … h.{view.lm.config.n_layer - 1}",
    (len(journey.stream), len(view.ids), view.lm.config.n_embd),
    "each ribbon is one token's vector on its way through the blocks; it is wider where the "
    "vector is longer (width grows with the square root of the norm). Threads show from which "
    "tokens the chosen one gathers (attention, mean of the heads). The thin "
    "lines after the blocks only lead on: their width shows nothing. Click a token to choose it.",
)
parts.numbers(journey_table(journey, view.tokens), "path")

st.subheader("The ten likeliest next tokens")
st.caption(
    f"After token {position}, out of all {view.lm.config.vocab_size:,} tokens of the vocabulary."
)
st.dataframe(
    likeliest,
    hide_index=True,
    key="likeliest",
    column_config={
        "probability": st.column_config.ProgressColumn(
            "probability", format="%.4f", min_value=0, max_value=1
        ),
        "logit": st.column_config.NumberColumn("logit", format="%.3f"),
    },
)

st.subheader("Does this run obey its own laws?")
checks = resources.self_checks(view.lm, view.ids, view.waiting)
for column, check in zip(st.columns(len(checks)), checks, strict=True):
    with column.container(border=True, height="stretch"):
        st.markdown(f"{'✅' if check.holds else '❌'} {check.law}")
        st.caption(f"largest error {check.error:.1e}, allowed {check.limit:.0e}")
