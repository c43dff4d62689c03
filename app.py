"""The overview: the path of a prompt through the network as one picture."""

from functools import partial

import streamlit as st

from gptviz.app import look, show
from gptviz.app.clicks import clicked
from gptviz.app.frame import frame
from gptviz.app.glossary import term
from gptviz.app.path.numbers import stream_in_words
from gptviz.app.path.picture import path_picture
from gptviz.journey import came_next, journey, journey_table, likeliest_tokens
from gptviz.subjects.overview import sentences, tabs, writing
from gptviz.subjects.residual import surprise_tabs

view = frame("overview", writing.write, writing.buttons)
writing.said()
position = clicked("position", len(view.ids), len(view.ids) - 1)
likeliest = look.look(likeliest_tokens, view.lm, view.trace, position)
came = came_next(view.trace, position)
way = look.look(journey, view.lm, view.trace)

path_picture(
    view,
    way,
    position,
    size="large",
    page="overview",
    append=writing.append if came is None else None,  # a text goes on only at its end
    came=came,
)
st.markdown(show.literal(sentences.of_path(way, view.tokens[position], position)))
show.source(
    stream_in_words(view.lm.config),
    (len(way.stream), len(view.ids), view.lm.config.n_embd),
    "each ribbon is one token's vector on its way through the blocks, wider where it is longer: "
    f"the {term('residual stream')}. Width grows with the square root of the norm. Threads show "
    "from which tokens the chosen one "
    f"gathers (attention, mean of the {term('head', 'heads')}). The thin lines after the blocks "
    "only lead on: their width shows nothing. Click a token to choose it.",
)
show.numbers(
    partial(journey_table, way, view.tokens),
    "path",
    view.code(
        journey,
        "from gptviz.journey import journey_table",
        "table = journey_table(journey(lm, trace), trace.tokens)",
    ).drawn_by_hand("path", f"trace, token={position}"),
)

tabs.next_tokens(view, position, likeliest, came)
st.header("How surprised was it?")
surprise_tabs.surprise(view, position)
writing.how()
writing.go_on()
tabs.laws(view)
