"""The details below the pieces of a prompt, one function a tab; each runs only when opened."""

from itertools import accumulate

import streamlit as st

from gptviz.app import show
from gptviz.app.chips.chips import Chip, ChipRow, chips, token_chips
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.tokens import analysis
from gptviz.subjects.tokens.figures import cost_bars
from gptviz.tokenizers import MergeStep, Tokenizer, compared_with, merge_steps, visible

LONGEST_WORD = 100  # characters that can be typed
ROWS_DRAWN = 24
CHIPS_DRAWN = 1_000
TOKENS_DRAWN = 200  # of one tokenizer
RESULTS = 100
NO_MERGE = "No two neighbours here have a rank, so the bytes stay as they are."


def table(view: View) -> None:
    """Every token with its id, bytes and piece."""
    st.markdown(
        f"One row for each token. The **id** is its number in the {term('vocabulary')}. The "
        "**bytes** are what a file would store for it, written in base 16."
    )
    show.table(analysis.token_table(view.lm.tokenizer, view.ids), "tokens")


@st.fragment
def merges(view: View, position: int) -> None:
    """How the bytes of one word became its tokens."""
    tokenizer = view.lm.tokenizer
    try:
        if isinstance(view.written, list):
            raise ValueError(
                "the model wrote these tokens, or they begin inside a word, or a special token is "
                "among them; the tokenizer would cut this text in another way"
            )
        chosen = analysis.word_of_token(tokenizer, view.prompt, position)
        typed = st.text_input(
            f"Type any word; a space before it counts. Left empty: the word of token {position}",
            key="merged_word",
            max_chars=LONGEST_WORD,
            placeholder=visible(chosen.encode()),
            live=True,
        )
        word = typed or chosen
        steps = merge_steps(tokenizer, word)
    except ValueError as error:
        show.problem(f"There is nothing to replay: {error}.")
        return
    last = len(steps) - 1
    done = st.slider("Merges done", 0, last, last, key=f"merges {word}") if last else 0
    rows = max(2, min(ROWS_DRAWN, CHIPS_DRAWN // len(steps[0].parts)))
    first = max(0, done + 1 - rows)
    staircase = [_merge_row(steps, i) for i in range(first, done + 1)]
    token_chips(staircase, view.scheme, key="merges", arrange="aligned")
    not_drawn = f"Not drawn: the {first} rows before." if first else ""
    show.source(
        "merges",
        (last,),
        "each row is the word after one more merge; outlined: the pair that was just joined. The "
        f"small numbers count bytes from the start of the word. {not_drawn} "
        f"{'' if last else NO_MERGE}",
    )
    st.markdown(
        f"**Rank** is the order in which {term('BPE')} learnt the pairs. Rank 0 was the commonest "
        "pair of neighbours in the text that the tokenizer was made from; it was joined, then rank "
        "1 was the commonest, and so on. To cut a word, the pair with the lowest rank is joined "
        "first, again and again. When no two neighbours have a rank, what is left are the tokens."
    )
    code = view.code(
        analysis.merge_table,
        "from gptviz.tokenizers import merge_steps",
        f"table = merge_table(merge_steps(lm.tokenizer, {word!r}))",
    )
    show.numbers(analysis.merge_table(steps), "merges", code)


def side_by_side(view: View) -> None:
    """The same text under several tokenizers."""
    tokenizers = compared_with(view.lm.tokenizer)
    own = view.lm.tokenizer
    rows = [_text_row(name, one, view.prompt, one is own) for name, one in tokenizers.items()]
    token_chips(rows, view.scheme, key="side_by_side", arrange="beside")
    found = analysis.side_by_side_table(tokenizers, view.prompt)
    counts = ", ".join(map(str, found["tokenizer"].value_counts(sort=False)))
    show.fine_print(
        "The same text, cut in different ways.",
        f"`ids` · {counts} — fewer pieces are less to read for a model, at the price of a larger "
        f"{term('vocabulary')}.",
    )
    code = view.code(
        analysis.side_by_side_table,
        "from gptviz.tokenizers import compared_with",
        "tokenizers = compared_with(lm.tokenizer)",
        f"table = side_by_side_table(tokenizers, {view.prompt!r})",
    )
    show.numbers(found, "side_by_side", code)


def costs(view: View) -> None:
    """What one sentence costs in several languages."""
    tokenizers = compared_with(view.lm.tokenizer)
    found = analysis.cost_table(tokenizers)
    show.chart(
        cost_bars(found, view.scheme),
        key="costs",
        name="tokens of one sentence",
        shape=(len(analysis.SENTENCES), len(tokenizers)),
        how_to_read="a higher bar means more tokens to read for the same thought; ✕: this "
        "tokenizer has no sign for some character of the sentence.",
        table=found,
        code=view.code(
            analysis.cost_table,
            "from gptviz.tokenizers import compared_with",
            "table = cost_table(compared_with(lm.tokenizer))",
        ).drawn(cost_bars),
    )
    own = view.lm.tokenizer
    st.markdown(f"The five sentences, cut by this model's tokenizer ({show.literal(own.name)}):")
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
    all_found = f"{len(found)} of the {size} tokens."
    shown = all_found if len(found) < RESULTS else f"The first {RESULTS} of the {size} tokens."
    st.caption(f"{shown} {'The closest match comes first.' if query else ''}")
    show.table(found, "vocabulary")


def _text_row(name: str, tokenizer: Tokenizer, text: str, own: bool) -> ChipRow:
    try:
        ids = tokenizer.encode(text)
    except ValueError as error:
        return ChipRow([], name, f"cannot write this text: {error}")
    rate = analysis.characters_per_token(text, ids)
    size = f"{tokenizer.vocab_size:,}"
    note = f"{len(ids)} tokens, {rate:.2f} characters a token; vocabulary: {size}"
    if hidden := max(0, len(ids) - TOKENS_DRAWN):
        note = f"{note}; the last {hidden} are not drawn"
    title = f"{name} (this model's)" if own else name
    return ChipRow(chips(analysis.token_table(tokenizer, ids[:TOKENS_DRAWN])), title, note)


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
