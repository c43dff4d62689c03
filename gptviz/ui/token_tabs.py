"""The details below the pieces of a prompt, one function a tab; each runs only when opened."""

from itertools import accumulate

import pandas as pd
import streamlit as st

from gptviz.analysis import tokens as analysis
from gptviz.figures.tokens import cost_bars
from gptviz.tokenizers import MergeStep, Tokenizer, compared_with, merge_steps, visible
from gptviz.ui import parts
from gptviz.ui.components.token_chips import Chip, ChipRow, chips, token_chips
from gptviz.ui.frame import View

LONGEST_WORD = 100  # characters that can be typed
ROWS_DRAWN = 24
CHIPS_DRAWN = 1_000
TOKENS_DRAWN = 200  # of one tokenizer
RESULTS = 100


def table(view: View) -> None:
    """Every token with its id, bytes and piece."""
    st.markdown(
        "One row for each token. The **id** is the token's number in the vocabulary. The **bytes** "
        "are what a file would store for it, written in base 16."
    )
    parts.table(analysis.token_table(view.lm.tokenizer, view.ids), "tokens")


@st.fragment
def merges(view: View, position: int) -> None:
    """How the bytes of one word became its tokens."""
    tokenizer = view.lm.tokenizer
    try:
        chosen = analysis.word_of_token(tokenizer, view.prompt, position)
        typed = st.text_input(
            f"Type any word; a space before it counts. Left empty: the word of token {position}",
            key="merged_word",
            max_chars=LONGEST_WORD,
            placeholder=visible(chosen.encode()),
            live=True,
        )
        steps = merge_steps(tokenizer, typed or chosen)
    except ValueError as error:
        parts.problem(f"There is nothing to replay: {error}.")
        return
    last = len(steps) - 1
    done = st.slider("Merges done", 0, last, last, key=f"merges {typed or chosen}") if last else 0
    rows = max(2, min(ROWS_DRAWN, CHIPS_DRAWN // len(steps[0].parts)))
    first = max(0, done + 1 - rows)
    staircase = [_merge_row(steps, i) for i in range(first, done + 1)]
    token_chips(staircase, view.scheme, key="merges", arrange="aligned")
    st.caption(
        f"`merges` · {last} — each row is the word after one more merge; outlined: the pair that "
        f"was just joined. The small numbers count bytes from the start of the word. "
        + (f"Not drawn: the {first} rows before. " if first else "")
        + ("" if last else "No two neighbours here have a rank, so the bytes stay as they are. ")
    )
    st.markdown(
        "**Rank** is the order in which pairs were learnt. Rank 0 was the commonest pair of "
        "neighbours in the text that the tokenizer was made from; it was joined, then rank 1 was "
        "the commonest, and so on. To cut a word, the pair with the lowest rank is joined first, "
        "again and again. When no two neighbours have a rank, what is left are the tokens."
    )
    parts.numbers(analysis.merge_table(steps), "merges")


def side_by_side(view: View) -> None:
    """The same text under several tokenizers."""
    rows, tables = [], []
    for name, tokenizer in compared_with(view.lm.tokenizer).items():
        own = " (this model's)" if tokenizer is view.lm.tokenizer else ""
        try:
            ids = tokenizer.encode(view.prompt)
        except ValueError as error:
            rows.append(ChipRow([], name, f"cannot write this text: {error}"))
            continue
        found = analysis.token_table(tokenizer, ids)
        tables.append(found.assign(tokenizer=name))
        rate = analysis.characters_per_token(view.prompt, ids)
        hidden = max(0, len(ids) - TOKENS_DRAWN)
        note = (
            f"{len(ids)} tokens, {rate:.2f} characters a token; vocabulary: "
            f"{tokenizer.vocab_size:,}" + f"; the last {hidden} are not drawn" * bool(hidden)
        )
        rows.append(ChipRow(chips(found.head(TOKENS_DRAWN)), name + own, note))
    token_chips(rows, view.scheme, key="side_by_side", arrange="beside")
    counts = ", ".join(str(len(found)) for found in tables)
    st.caption(
        f"`ids` · {counts} — the same text, cut in different ways. Fewer pieces are less to read "
        f"for a model, at the price of a larger vocabulary."
    )
    parts.numbers(pd.concat(tables), "side_by_side")


def costs(view: View) -> None:
    """What one sentence costs in several languages."""
    tokenizers = compared_with(view.lm.tokenizer)
    found = analysis.cost_table(tokenizers)
    parts.chart(
        cost_bars(found, view.scheme),
        key="costs",
        name="tokens of one sentence",
        shape=(len(analysis.SENTENCES), len(tokenizers)),
        how_to_read="a higher bar means more tokens to read for the same thought; ✕: this "
        "tokenizer has no sign for some character of the sentence.",
        table=found,
    )
    own = view.lm.tokenizer
    st.markdown(f"The five sentences, cut by this model's tokenizer ({parts.literal(own.name)}):")
    token_chips(
        [_sentence_row(own, name, text) for name, text in analysis.SENTENCES.items()],
        view.scheme,
        key="sentences",
    )


@st.fragment
def vocabulary(view: View) -> None:
    """Search all tokens that the model knows."""
    query = st.text_input(
        "Search the vocabulary for a part of a word, or for an id",
        key="vocabulary_query",
        max_chars=LONGEST_WORD,
        live=True,
    )
    with st.spinner("Reading the vocabulary …"):
        found = analysis.search_vocabulary(view.lm.tokenizer, query or "", RESULTS)
    size = f"{view.lm.tokenizer.vocab_size:,}"
    many = f"{len(found)}" if len(found) < RESULTS else f"The first {RESULTS}"
    st.caption(f"{many} of the {size} tokens" + (", the closest match first." if query else "."))
    parts.table(found, "vocabulary")


def _sentence_row(tokenizer: Tokenizer, name: str, text: str) -> ChipRow:
    try:
        ids = tokenizer.encode(text)
    except ValueError as error:
        return ChipRow([], name, f"{text} cannot be written: {error}")
    return ChipRow(chips(analysis.token_table(tokenizer, ids)), name, text)


def _merge_row(steps: list[MergeStep], i: int) -> ChipRow:
    now, before = steps[i].parts, steps[max(i - 1, 0)].parts
    joined = next((k for k, part in enumerate(now) if part != before[k]), None)
    starts = accumulate(map(len, now), initial=0)
    row = [
        Chip(visible(part), start, f"bytes {part.hex(' ').upper()}", "", k == joined, len(part))
        for k, (part, start) in enumerate(zip(now, starts, strict=False))
    ]
    rank = steps[i].rank
    return ChipRow(row, "bytes" if rank is None else f"rank {rank:,}")
