"""The tabs about words as vectors: neighbours, pairs, analogies; each runs only when opened."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gptviz.analysis import embeddings
from gptviz.analysis.embeddings import Word
from gptviz.figures import embeddings as figures
from gptviz.figures.theme import cut
from gptviz.ui import controls, embedding_resources, parts, seen
from gptviz.ui.frame import View

LONGEST_WORD = 60  # characters that can be typed
PAIRED = 11  # characters of each word of a pair that stand beside its bar
NEIGHBOURS = 10
FAMOUS_PAIRS = (
    "king–queen, love–hate, Romeo–Juliet, day–night, brother–sister, life–death, king–spoon"
)
ALIKE = "1 is the same direction, 0 unrelated, −1 opposite."


def neighbours(view: View) -> None:
    """The tokens of the vocabulary that are nearest to a token or a word."""
    places = st.columns(2, gap="large")
    with places[0]:
        position = controls.position(view)
    with places[1]:
        typed = _word_input("word", "Or any word", placeholder="left empty: the token of your text")
    if typed:
        word = embeddings.word(view.lm, typed)
    else:
        word = embeddings.token_word(view.lm, view.ids[position])
    found = embedding_resources.nearest(
        view.lm, word.vector, tuple(sorted(set(word.ids))), NEIGHBOURS, view.waiting
    )
    st.markdown(f"**Nearest to {parts.literal(word.label)}.** {seen.about(view.lm, word)}")
    _bars(view, found, "neighbours", f"a longer bar is a vector more alike: {ALIKE}")


def pairs(view: View) -> None:
    """How alike the words of famous and of own pairs are."""
    typed = st.text_input(
        "Pairs of words, with a dash in each pair and commas between them",
        FAMOUS_PAIRS,
        key="pairs",
        bind="query-params",
        max_chars=400,
    )
    wanted = tuple(embeddings.parse_pairs(typed or ""))
    found = embedding_resources.pairs(view.lm, wanted, view.waiting)
    size = f"{view.lm.config.vocab_size:,}"
    hover = [f"{row.tokens}: no. {row.rank:,} of {size} tokens" for row in found.itertuples()]
    parts.chart(
        figures.cosine_bars(
            [
                f"{cut(a, PAIRED)} – {cut(b, PAIRED)}, no. {rank:,}"
                for (a, b), rank in zip(wanted, found["rank"], strict=True)
            ],
            found["cosine"].to_numpy(),
            hover,
            seen.faint(found),
            view.scheme,
        ),
        key="pairs_chart",
        name="wte",
        shape=(view.lm.config.vocab_size, view.lm.config.n_embd),
        how_to_read=f"the cosine of the two vectors: {ALIKE} No. 2 means: of the {size} tokens, "
        "only one lies nearer to the first word than the second word does. "
        + seen.legend(view.lm, "Hatched"),
        table=found,
    )
    _split_words([embeddings.word(view.lm, one) for pair in wanted for one in pair])


def analogies(view: View) -> None:
    """a − b + c, and what lies nearest to it."""
    st.markdown(
        "If *queen* is to *woman* what *x* is to *man*, then queen − woman + man should lead to "
        "*x*. Vectors can be added and subtracted: try it. A small model often misses."
    )
    asked = zip(("a", "b", "c"), ("", "minus", "plus"), ("queen", "woman", "man"), strict=True)
    words = []
    for place, (key, sign, example) in zip(st.columns(3), asked, strict=True):
        with place:
            typed = _word_input(f"analogy_{key}", f"{sign} word {key}".strip(), example)
        if not typed.strip():
            raise ValueError(f"word {key} is empty; type one")
        words.append(embeddings.word(view.lm, typed))
    a, b, c = words
    vector = embeddings.analogy_vector(a, b, c)
    inputs = tuple(sorted({*a.ids, *b.ids, *c.ids}))
    first = embedding_resources.nearest(view.lm, vector, (), 1, view.waiting)
    found = embedding_resources.nearest(view.lm, vector, inputs, NEIGHBOURS, view.waiting)
    sum_of_words = "{} − {} + {}".format(*(f"({w.label})" if w.several else w.label for w in words))
    st.markdown(f"**Nearest to {parts.literal(sum_of_words)}**")
    _split_words(words)
    _hardly_seen(view, words)
    note = ""
    for own in (word for word in words for row in first.itertuples() if row.id in word.ids):
        itself = f"a piece of {own.label}" if own.several else "one of the three words itself"
        note = (
            f"The very nearest is {parts.literal(first['token'].iloc[0])}, "
            f"{parts.literal(itself)}. The words' tokens are left out, as is usual. "
        )
    how = f"each vector is first scaled to length 1. {note}{ALIKE}"
    _bars(view, found, "analogy", how)


def _bars(view: View, found: pd.DataFrame, key: str, how_to_read: str) -> None:
    parts.chart(
        figures.cosine_bars(
            found["token"].tolist(),
            found["cosine"].to_numpy(),
            seen.hover(found),
            seen.faint(found),
            view.scheme,
        ),
        key=key,
        name="wte",
        shape=(view.lm.config.vocab_size, view.lm.config.n_embd),
        how_to_read=f"{how_to_read} All {view.lm.config.vocab_size:,} tokens of the vocabulary "
        f"were compared. {seen.legend(view.lm, 'Hatched')}",
        table=found,
    )


def _split_words(words: Sequence[Word]) -> None:
    split = {word.typed: parts.literal(word.label) for word in words if word.several}
    if split:
        listed = "; ".join(f"{parts.literal(typed)} = {label}" for typed, label in split.items())
        st.markdown(f"Of several tokens, shown by the **mean** of their vectors: {listed}.")


def _hardly_seen(view: View, words: Sequence[Word]) -> None:
    rare = [parts.literal(word.label) for word in words if seen.is_rare(view.lm, word)]
    if rare:
        st.markdown(
            f"⚠ **Hardly seen** by the model, so the result says little: {', '.join(rare)}."
        )


def _word_input(key: str, label: str, default: str = "", placeholder: str | None = None) -> str:
    typed = st.text_input(
        label,
        default,
        key=key,
        bind="query-params",
        max_chars=LONGEST_WORD,
        placeholder=placeholder,
    )
    return typed or ""
