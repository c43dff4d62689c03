"""Which part wrote a logit, and what each part adds to the stream."""

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, Labels, Leads, cell_board
from gptviz.app.frame import View
from gptviz.app.glossary import introduce, term
from gptviz.app.theme import symmetric_limit
from gptviz.subjects.residual import figures, sentences
from gptviz.subjects.residual import parts_analysis as parts_of
from gptviz.subjects.residual.controls import require_numbers, token_input

# Lines of code: what attention and what the MLP of each layer adds, and where that points.
KINDS = (
    "kinds = {'attention': '.attn', 'MLP': '.mlp'}",
    "parts = {name: found[found['part'].str.endswith(end)] for name, end in kinds.items()}",
    "parts = {name: rows for name, rows in parts.items() if len(rows)}",
)
DIRECTIONS = (
    "directions = {",
    "    f'{name} with the {place}': rows[column].to_numpy()",
    "    for place, column in (('stream', 'cosine_stream'), ('end', 'cosine_final'))",
    "    for name, rows in parts.items()",
    "}",
)
ORDERS = {"size": "Largest first", "computed": "As computed"}


def parts(view: View, position: int) -> None:
    """Which part of the network wrote the logit of a next token."""
    logits = view.trace.logits[position]
    require_numbers(logits.numpy())
    places = st.columns([2, 2, 2.4], gap="medium", vertical_alignment="bottom")
    with places[0]:
        token = token_input(view, "for_token", "The next token", logits)
    with places[1]:
        against = token_input(view, "against_token", "Against another token", logits, "none")
    with places[2]:
        order = choices.one_of("part_order", "Order", ORDERS)
    token = int(logits.argmax()) if token is None else token
    found = look.look(parts_of.attribution, view.lm, view.trace, position, token, against)
    table = parts_of.part_table(found)
    piece, other = view.lm.tokenizer.pieces([token, token if against is None else against])
    rival = None if against is None else other
    st.markdown(introduce(show.literal(sentences.writers(table, piece, rival)), "head"))
    ordered = "" if order == "computed" else '.sort_values("logit", key=abs)[::-1]'
    drawn = table.sort_values("logit", key=np.abs)[::-1] if ordered else table
    written = f"attribution(lm, trace, {position}, {token}, {against})"
    show.chart(
        figures.part_bars(drawn["logit"].to_numpy(), parts_of.short_names(drawn), view.scheme),
        key="parts",
        name=f"logits[{position}, {token}]",
        shape=(len(found),),
        how_to_read="a bar up speaks for the token, a bar down against it. All bars sum to its "
        "logit, or to how far it lies above the other's. A logit alone says little, for "
        f"{term('softmax')} sees only differences: put a second token against it. Each part's "
        "vector is multiplied with the token's row of the output matrix (direct logit "
        "attribution); the final norm "
        "divides by the spread of the whole stream, which is held fixed. What a part does through "
        "later layers counts there. Elhage et al. (2021, *A Mathematical Framework for "
        "Transformer Circuits*).",
        table=table,
        code=view.code(
            parts_of.part_table,
            "from gptviz.subjects.residual.parts_analysis import attribution",
            f"table = part_table({written})",
        ).drawn(
            figures.part_bars,
            'drawn["logit"].to_numpy(), short_names(drawn)',
            "from gptviz.subjects.residual.parts_analysis import short_names",
            f"drawn = table{ordered}",
        ),
    )
    own = float(logits[token]) - (0.0 if against is None else float(logits[against]))
    error = abs(float(found.sum()) - own)
    st.markdown(
        f"{'✅' if error <= 1e-3 else '❌'} The parts sum to **{found.sum():.4f}**; the model's "
        f"own {'logit' if against is None else 'difference'} is **{own:.4f}**, {error:.1e} apart."
    )
    if view.lm.config.has_attention:
        _heads(view, parts_of.head_table(found), written)


def added(view: View, position: int) -> None:
    """Length and direction of what each attention and each MLP adds to the chosen token."""
    table = look.look(parts_of.added, view.lm, view.trace, position)
    require_numbers(table["norm"].to_numpy())
    said = show.literal(sentences.longest(table, view.tokens[position]))
    st.markdown(introduce(said, "cosine"))
    kinds = {"attention": ".attn", "MLP": ".mlp"}
    of_kind = {name: table[table["part"].str.endswith(end)] for name, end in kinds.items()}
    of_kind = {name: rows for name, rows in of_kind.items() if len(rows)}
    code = view.code(
        parts_of.added, f"found = added(lm, trace, {position})", "table = found"
    ).drawn(figures.added_directions, "directions", *KINDS, *DIRECTIONS)
    shape = (len(table), view.lm.config.n_embd)
    name = f"h.*.attn[{position}], h.*.mlp[{position}]"
    show.chart(
        figures.added_lengths(
            {name: rows["norm"].to_numpy() for name, rows in of_kind.items()}, view.scheme
        ),
        key="added_lengths",
        name=name,
        shape=shape,
        how_to_read="the longer the bar, the more this part changes the chosen token's vector. "
        "The scale fits this picture.",
        table=table[["part", "layer", "norm"]],
        code=view.code(
            parts_of.added,
            f"found = added(lm, trace, {position})",
            "table = found[['part', 'layer', 'norm']]",
        ).drawn(
            figures.added_lengths,
            "{name: rows['norm'].to_numpy() for name, rows in parts.items()}",
            *KINDS,
        ),
    )
    show.chart(
        figures.added_directions(
            {
                f"{name} with the {place}": rows[column].to_numpy()
                for place, column in (("stream", "cosine_stream"), ("end", "cosine_final"))
                for name, rows in of_kind.items()
            },
            view.scheme,
        ),
        key="added_directions",
        name=name,
        shape=shape,
        how_to_read="1 points the same way, 0 across, −1 against. The stream is the vector that a "
        "part adds to; the end is the same token's vector after the last layer.",
        table=table,
        code=code,
    )


def _heads(view: View, table: pd.DataFrame, written: str) -> None:
    config = view.lm.config
    values = table["logit"].to_numpy().reshape(config.n_layer, config.n_head)
    limit = symmetric_limit(values)
    st.markdown(
        f"**The {term('head', 'heads')} alone.** Click one to see on the page Attention where it "
        "looks."
    )

    def choose(layer: int, head: int) -> None:
        st.session_state["layer"], st.session_state["head"] = layer, head

    cell_board(
        values,
        (),
        Labels(
            [f"L{layer}" for layer in range(config.n_layer)],
            [f"H{head}" for head in range(config.n_head)],
            "{row} {column} adds {value}; click to open it on Attention",
            "What each head adds to the logit; arrow keys move, Enter opens it on Attention",
        ),
        Colours(-limit, limit, f"−{limit:.1f}: against", f"+{limit:.1f}: for", "diverging"),
        view.scheme,
        key="head_board",
        choose=choose,
        leads=Leads("attention", "layer", "head"),
    )
    show.source(
        "h.*.attn.z",
        values.shape,
        "a row a layer, a column a head; red adds to the logit, blue takes away. The scale fits "
        "this picture.",
    )
    code = view.code(
        parts_of.head_table,
        "from gptviz.app.theme import symmetric_limit",
        "from gptviz.subjects.residual.parts_analysis import attribution",
        f"table = head_table({written})",
        'values = table["logit"].to_numpy().reshape(lm.config.n_layer, -1)',
        "limit = symmetric_limit(values)",
        "heads = [f'H{head}' for head in range(lm.config.n_head)]",
    ).drawn_by_hand(
        "cells",
        f"values, {[f'L{layer}' for layer in range(config.n_layer)]!r}, heads, "
        "low=-limit, high=limit, scale='diverging'",
    )
    show.numbers(table, "heads", code)
