"""Attention, one step on: what a head brings, where vectors come from, what a head is for."""

from functools import partial

import pandas as pd
import streamlit as st
from torch import Tensor

from gptviz.app import look, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.language_model import LanguageModel
from gptviz.subjects.attention import analysis as attention
from gptviz.subjects.attention.circuits_analysis import circuit_table, circuits
from gptviz.subjects.attention.contribution_analysis import rollout, shares, value_weighted
from gptviz.subjects.attention.finding import named
from gptviz.subjects.attention.square import attention_square

GETS = ("gets most from", "gets from")
COMES = ("comes most from", "comes from")
LISTED = 10  # tokens of each list
SAME = "{query} takes most from {key}: {weight:.0%} of the weight, and {share:.0%} of what it gets."
OTHER = (
    "Weight is not contribution: {query} gives {key} the most weight ({weight:.0%}), but gets most "
    "from {giver} ({share:.0%} of what it gets, for a weight of {little:.0%})."
)
NOTHING = "This head brings {query} nothing at all: every vector that it hands on is zero."
COMES_FROM = (
    "By rollout, the vector of {query} after layer {layer} comes from {key} most: {share:.0%}."
)
ITSELF = (
    "By rollout, the vector of {query} after layer {layer} still is its own most: {own:.0%}. Of "
    "the others, most comes from {key}: {share:.0%}."
)
ALONE = "The first token sees no other: all of its vector is its own."
FOR_A_TOKEN = (
    "By its weights alone, L{layer} H{head} would look from {token} most at {seen}; and whoever "
    "looks at {token} gets a push towards {written}."
)
TITLES = {
    "looks at": "**Looks at**",
    "writes": "**Pushes towards**",
    "writes against": "**Pushes away from**",
}


def contribution(view: View, layer: int, head: int, query: int) -> None:
    """Beside the head's weights, how much it brings from each token."""
    pattern = view.trace[f"h.{layer}.attn.pattern"][head]
    lengths = look.look(value_weighted, view.lm, view.trace, layer, head)
    _require_numbers(lengths)
    got = shares(lengths)
    st.markdown(contribution_sentence(view, pattern[query], got[query], query))
    name = f"h.{layer}.attn.pattern[{head}]"
    longer = f"|{name} × h.{layer}.attn.v[{head}] × h.{layer}.attn.c_proj|"
    weights, brought = st.columns(2)
    with weights:
        st.markdown("**Weights**")
        attention_square(pattern, view.tokens, query, view.scheme, key="weights", name=name)
    with brought:
        st.markdown("**What it brings**")
        attention_square(got, view.tokens, query, view.scheme, "brought", longer, GETS)
    show.source(
        f"{name} and {longer}",
        tuple(lengths.shape),
        "on the left, how much weight each token gives to each; on the right, how much it gets: "
        "weight times the length of what the head writes for that token. Both rows sum to 1. A "
        "token with a short value brings little, however much weight it has; the first token often "
        "is such a one. Lengths leave out direction: what is brought may point against the rest. "
        "Kobayashi et al. (2020, *Attention is Not Only a Weight*).",
    )
    show.numbers(
        partial(attention.pattern_table, lengths, view.tokens),
        "brought",
        view.code(
            value_weighted,
            "from gptviz.subjects.attention.analysis import pattern_table",
            "from gptviz.subjects.attention.contribution_analysis import shares",
            f"lengths = value_weighted(lm, trace, {layer}, {head})",
            "table = pattern_table(lengths, trace.tokens)",
        ).drawn_by_hand("square", f"shares(lengths), trace.tokens, token={query}"),
    )


def contribution_sentence(view: View, weights: Tensor, got: Tensor, query: int) -> str:
    """Whether the token with the most weight is the one that gives most."""
    key, giver = int(weights.argmax()), int(got.argmax())
    told = {"query": named(view, query), "key": named(view, key), "weight": float(weights[key])}
    if not float(got[giver]) > 0:
        return NOTHING.format(**told)
    told |= {
        "giver": named(view, giver),
        "share": float(got[giver]),
        "little": float(weights[giver]),
    }
    return (SAME if key == giver else OTHER).format(**told)


def flow(view: View, layer: int, query: int) -> None:
    """Attention rollout: where each vector comes from after the open layer."""
    view.lm.config.require_shortcuts("so half of a vector does not go past a layer")
    found = look.look(rollout, view.trace)[layer]
    _require_numbers(found)
    st.markdown(flow_sentence(view, found[query], layer, query))
    attention_square(found, view.tokens, query, view.scheme, "rollout", "rollout", COMES)
    show.source(
        f"rollout of h.0.attn.pattern … h.{layer}.attn.pattern",
        tuple(found.shape),
        "each row tells of which tokens a vector is made after this layer, if weights were all: in "
        "each layer half of it stays, half is the mean of the heads' patterns, and the layers are "
        "multiplied. Each row sums to 1. It is a rough picture: it takes all heads for equal, "
        "leaves out values, norms and MLPs, and cannot tell a push from a pull. Abnar and Zuidema "
        "(2020, *Quantifying Attention Flow in Transformers*).",
    )
    show.numbers(
        partial(attention.pattern_table, found, view.tokens),
        "rollout",
        view.code(
            rollout,
            "from gptviz.subjects.attention.analysis import pattern_table",
            f"found = rollout(trace)[{layer}]",
            "table = pattern_table(found, trace.tokens)",
        ).drawn_by_hand("square", f"found, trace.tokens, token={query}"),
    )


def flow_sentence(view: View, row: Tensor, layer: int, query: int) -> str:
    """From which token most of a vector comes."""
    if query == 0:
        return ALONE
    others = row[:query]
    key = int(others.argmax())
    share, own = float(others[key]), float(row[query])
    names = {"query": named(view, query), "key": named(view, key)}
    sentence = ITSELF if own >= share else COMES_FROM
    return sentence.format(**names, layer=layer, share=share, own=own)


def any_token(view: View, layer: int, head: int, query: int) -> None:
    """What the head would look at and write, over all tokens, whatever the text."""
    token = view.ids[query]
    table = look.look(_table, view.lm, layer, head, token)
    first = table[table["rank"] == 1].set_index("circuit")["token"]
    st.markdown(
        FOR_A_TOKEN.format(
            layer=layer,
            head=head,
            token=f"“{show.literal(view.tokens[query])}”",
            seen=f"“{show.literal(first['looks at'])}”",
            written=f"“{show.literal(first['writes'])}”",
        )
    )
    for place, (circuit, title) in zip(st.columns(3), TITLES.items(), strict=True):
        with place:
            st.markdown(title)
            st.dataframe(
                table[table["circuit"] == circuit].style.format({"value": "{:+.3f}"}),
                hide_index=True,
                key=circuit,
                column_order=("token", "value"),
            )
    show.source(
        f"h.{layer}.attn.c_attn.weight, h.{layer}.attn.c_proj.weight of head {head}",
        (view.lm.config.vocab_size,),
        "read off the head's weights, not off this text. The first list is the head's QK circuit: "
        "from the chosen token, which of all tokens would it look at (scores before "
        f"{term('softmax')}). The others are its OV circuit: what looking at the chosen token adds "
        "to each next token's logit, more or less than to the average one. Each token stands for "
        "itself alone, as its embedding through the block's norm: positions, earlier layers and "
        "the final norm's scale are left out, so this says most of heads in layer 0. Elhage et al. "
        "(2021, *A Mathematical Framework for Transformer Circuits*).",
    )
    show.numbers(
        table,
        "circuits",
        view.code(
            circuits,
            "from gptviz.subjects.attention.circuits_analysis import circuit_table",
            f"table = circuit_table(circuits(lm, {layer}, {head}), {token}, {LISTED})",
        ),
    )


def _require_numbers(values: Tensor) -> None:
    if not values.isfinite().all():
        raise ValueError("this model computes what is no number from this text; choose another one")


def _table(lm: LanguageModel, layer: int, head: int, token: int) -> pd.DataFrame:
    return circuit_table(circuits(lm, layer, head), token, LISTED)
