"""The tabs about words as vectors: neighbours, pairs, analogies; each runs only when opened."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gptviz.app import look, show
from gptviz.app.chips.chips import choose_token
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.theme import cut
from gptviz.subjects.embeddings import analysis as embeddings
from gptviz.subjects.embeddings import figures, rarity
from gptviz.subjects.embeddings.analysis import Word

LONGEST_WORD = 60  # characters that can be typed
PAIRED = 11  # characters of each word of a pair that stand beside its bar
NEIGHBOURS = 10
FAMOUS_PAIRS = (
    "king–queen, love–hate, Romeo–Juliet, day–night, brother–sister, life–death, king–spoon"
)
ANALOGY = {
    "a": ("word a", "queen"),
    "b": ("minus word b", "woman"),
    "c": ("plus word c", "man"),
}
LEFT_OUT = "The words' tokens are left out, as is usual."
ALIKE = "1 is the same direction, 0 unrelated, −1 opposite."


def neighbours(view: View) -> None:
    """The tokens of the vocabulary that are nearest to a token or a word."""
    places = st.columns([3, 2], gap="large")
    with places[0]:
        position = choose_token(view.tokens, view.scheme)
    with places[1]:
        typed = _word_input("word", "Or any word", placeholder="left empty: the token of your text")
    if typed:
        word = embeddings.word(view.lm, typed)
        look_up, written = "word", f"word(lm, {typed!r})"
    else:
        word = embeddings.token_word(view.lm, view.ids[position])
        look_up, written = "token_word", f"token_word(lm, lm.ids({view.written!r})[{position}])"
    found = look.look(
        embeddings.nearest, view.lm, word.vector, NEIGHBOURS, tuple(sorted(set(word.ids)))
    )
    st.markdown(f"**Nearest to {show.literal(word.label)}.** {rarity.about(view.lm, word)}")
    code = view.code(
        embeddings.nearest,
        f"from gptviz.subjects.embeddings.analysis import {look_up}",
        f"chosen = {written}",
        f"table = nearest(lm, chosen.vector, {NEIGHBOURS}, chosen.ids)",
    )
    _bars(
        view,
        found,
        "neighbours",
        f"a longer bar is a vector more alike, by its {term('cosine')}: {ALIKE}",
        code,
    )


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
    found = look.look(embeddings.pair_table, view.lm, wanted)
    embeddings.require_direction(found["cosine"])
    size = f"{view.lm.config.vocab_size:,}"
    hover = [f"{row.tokens}: no. {row.rank:,} of {size} tokens" for row in found.itertuples()]
    labels = [
        f"{cut(a, PAIRED)} – {cut(b, PAIRED)}, no. {rank:,}"
        for (a, b), rank in zip(wanted, found["rank"], strict=True)
    ]
    show.chart(
        figures.cosine_bars(
            labels,
            found["cosine"].to_numpy(),
            hover,
            rarity.faint(found),
            view.scheme,
        ),
        key="pairs_chart",
        name="wte",
        shape=(view.lm.config.vocab_size, view.lm.config.n_embd),
        how_to_read=f"a longer bar is a pair of vectors more alike, by their {term('cosine')}: "
        f"{ALIKE} No. 2 means: of the {size} tokens, only one lies nearer to the first word than "
        f"the second word does. {rarity.legend(view.lm, 'hatched')}",
        table=found,
        code=view.code(
            embeddings.pair_table,
            "from gptviz.subjects.embeddings.analysis import parse_pairs",
            f"table = pair_table(lm, parse_pairs({typed or ''!r}))",
        ).drawn(
            figures.cosine_bars,
            f'{labels!r}, table["cosine"].to_numpy(), {hover!r}, rarity.faint(table)',
            "from gptviz.subjects.embeddings import rarity",
        ),
    )
    _split_words([embeddings.word(view.lm, one) for pair in wanted for one in pair])


def analogies(view: View) -> None:
    """a − b + c, and what lies nearest to it."""
    st.markdown(
        "If *queen* is to *woman* what *x* is to *man*, then queen − woman + man should lead to "
        "*x*. Vectors can be added and subtracted: try it. A small model often misses."
    )
    typed = []
    for column, (key, (label, example)) in zip(st.columns(3), ANALOGY.items(), strict=True):
        with column:
            typed.append(_word_input(f"analogy_{key}", label, example))
        if not typed[-1].strip():
            raise ValueError(f"word {key} is empty; type one")
    words = [embeddings.word(view.lm, one) for one in typed]
    a, b, c = words
    vector = embeddings.analogy_vector(a, b, c)
    first = look.look(embeddings.nearest, view.lm, vector, 1, ())
    found = look.look(embeddings.analogy, view.lm, *typed, NEIGHBOURS)
    sum_of_words = "{} − {} + {}".format(*(f"({w.label})" if w.several else w.label for w in words))
    st.markdown(f"**Nearest to {show.literal(sum_of_words)}**")
    _split_words(words)
    _hardly_seen(view, words)
    note = ""
    for own in (word for word in words for row in first.itertuples() if row.id in word.ids):
        nearest = show.literal(first["token"].iloc[0])
        whole = show.literal(own.label)
        note = (
            f"The very nearest is {nearest}, a piece of {whole}. {LEFT_OUT}"
            if own.several
            else f"The very nearest is {nearest}, one of the three words itself. {LEFT_OUT}"
        )
    how = (
        f"a longer bar is a vector more alike, by its {term('cosine')}: {ALIKE} Each vector is "
        f"first scaled to length 1. {note}"
    )
    written = ", ".join(map(repr, typed))
    code = view.code(embeddings.analogy, f"table = analogy(lm, {written}, {NEIGHBOURS})")
    _bars(view, found, "analogy", how, code)


def _bars(view: View, found: pd.DataFrame, key: str, how_to_read: str, code: Code) -> None:
    show.chart(
        figures.cosine_bars(
            found["token"].tolist(),
            found["cosine"].to_numpy(),
            rarity.hover(found),
            rarity.faint(found),
            view.scheme,
        ),
        key=key,
        name="wte",
        shape=(view.lm.config.vocab_size, view.lm.config.n_embd),
        how_to_read=f"{how_to_read} All {view.lm.config.vocab_size:,} tokens of the vocabulary "
        f"were compared. {rarity.legend(view.lm, 'hatched')}",
        table=found,
        code=code.drawn(
            figures.cosine_bars,
            'table["token"].tolist(), table["cosine"].to_numpy(), '
            "rarity.hover(table), rarity.faint(table)",
            "from gptviz.subjects.embeddings import rarity",
        ),
    )


def _split_words(words: Sequence[Word]) -> None:
    split = {word.typed: show.literal(word.label) for word in words if word.several}
    if split:
        listed = "; ".join(f"{show.literal(typed)} = {label}" for typed, label in split.items())
        st.markdown(f"Of several tokens, shown by the **mean** of their vectors: {listed}.")


def _hardly_seen(view: View, words: Sequence[Word]) -> None:
    rare = [show.literal(word.label) for word in words if rarity.is_rare(view.lm, word)]
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
