"""Layer norms: one vector before and after, and what the network is without a norm."""

from functools import partial

import streamlit as st

from gptviz.analysis.layer_norms import by_hand, summands
from gptviz.figures.layer_norms import before_and_after
from gptviz.ui import controls, parts
from gptviz.ui import layer_norm_tabs as details
from gptviz.ui.frame import frame

view = frame("layer_norms")
places = st.columns(2, gap="large", vertical_alignment="center")
with places[0]:
    norm = controls.norm(view.lm)
with places[1]:
    position = controls.position(view)
if norm is None:
    st.info(details.NO_NORMS)
    details.stream(view, None, position)
    st.stop()

found = by_hand(view.lm, view.trace, norm, position)
steps = {
    "before: x": "x",
    "normalised": "÷ √(var + ε)",
    "after: × γ + β": "recorded",
}
values = {title: found.table[column].to_numpy() for title, column in steps.items()}
read = " + ".join(f"{name}[{position}]" for name in summands(view.lm.config, norm))
parts.chart(
    before_and_after(values, found.moments, view.scheme),
    key="before_and_after",
    name=f"{read} → {norm}[{position}]",
    shape=(view.lm.config.n_embd,),
    how_to_read=f"the vector of token {position} “{parts.literal(view.tokens[position])}”: how "
    f"many of its numbers have each value; a mark below 0 is one number. Dotted: the mean; grey: "
    f"one standard deviation (√variance) on both sides. Normalising changes the scale and not the "
    f"shape; γ and β can change the shape.",
    table=found.table.rename(columns={"recorded": norm}),
)
st.markdown(details.place(view.lm.config, norm))

parts.tabs(
    "details",
    {title: partial(draw, view, norm, position) for title, draw in details.TABS.items()},
)
