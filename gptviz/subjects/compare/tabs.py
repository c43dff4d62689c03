"""The next token and the neighbours of two sides, side by side and as difference."""

from collections.abc import Callable

import streamlit as st

from gptviz.app import look, show
from gptviz.app.glossary import term
from gptviz.subjects.compare import figures, sentences
from gptviz.subjects.compare.analysis import Apart, next_tokens
from gptviz.subjects.compare.neighbours_analysis import neighbours as nearest
from gptviz.subjects.compare.sides import Sides

LONGEST_WORD = 60  # characters that can be typed
FIRST_WORD = "king"


def next_token(both: Sides) -> None:
    """What both sides expect after the last token of their texts."""
    found = look.look(next_tokens, *both.arguments)
    st.markdown(f"{sentences.of_next(found)} {sentences.of_distance(found)}")
    if words := sentences.of_shared(found):
        st.markdown(words)
    call = "next_tokens(lm, trace, other, other_trace)"
    name = f"softmax of logits[{both.last[0]}] and logits[{both.last[1]}]"
    distributions(both, found, name, next_tokens, call)


def distributions(
    both: Sides, found: Apart, name: str, function: Callable[..., Apart], call: str
) -> None:
    """Two distributions of the next token: the likeliest of each, and what differs most.

    call is the expression that gives them in code, with this function.
    """
    shape = (len(both.left.lm.model.unembedding), len(both.right.lm.model.unembedding))
    likeliest, differing = st.columns(2, gap="large")
    with likeliest:
        show.chart(
            figures.probability_bars(found.likeliest, both.left.scheme),
            key="likeliest",
            name=name,
            shape=shape,
            how_to_read="the likeliest next tokens of either side, with the probability that each "
            "gives them. The probabilities are those of the whole vocabulary. The axis ends where "
            "these need it. A token that a model does not have has no bar there.",
            table=found.likeliest,
            code=both.code(function, f"table = {call}.likeliest").drawn(figures.probability_bars),
        )
    with differing:
        show.chart(
            figures.difference_bars(found.differing, both.left.scheme),
            key="differing",
            name=f"{name}, right less left",
            shape=shape,
            how_to_read="the tokens whose probability differs most, in percentage points. Red: "
            "likelier on the right; blue: likelier on the left. Half of all such differences, "
            f"without their signs, is the {term('total variation distance')}: the probability "
            f"that would have to move. The {term('KL divergence')} is KL(left ‖ right). Tokens of "
            "different vocabularies are the same where their letters are, and one that a side "
            "does not have counts as 0 there. The axis fits this picture.",
            table=found.differing,
            code=both.code(function, f"table = {call}.differing").drawn(figures.difference_bars),
        )


def neighbours(both: Sides) -> None:
    """What lies nearest to a word among the embeddings of either side."""
    typed = st.text_input(
        "The neighbours of a word",
        FIRST_WORD,
        key="word",
        bind="query-params",
        max_chars=LONGEST_WORD,
    )
    models = both.left.lm, both.right.lm
    found = look.look(nearest, *models, typed or "")
    st.markdown(sentences.of_neighbours(found, both.pairing))
    if words := sentences.of_word(found):
        st.markdown(words)
    size = max(model.config.vocab_size for model in models)
    show.chart(
        figures.cosine_bars(found.table, both.left.scheme),
        key="neighbours",
        name="wte of both models",
        shape=(size, models[0].config.n_embd),
        how_to_read=f"the tokens nearest to the word on either side, by their {term('cosine')}: 1 "
        "is the same direction, 0 unrelated, −1 opposite. A cosine is always between two vectors "
        "of one model; vectors of two models that were trained apart cannot be compared to each "
        "other. All tokens of a vocabulary were looked through, and one that a model does not "
        "have has no bar there.",
        table=found.table,
        code=both.code(nearest, f"table = neighbours(lm, other, {typed!r}).table").drawn(
            figures.cosine_bars
        ),
    )
