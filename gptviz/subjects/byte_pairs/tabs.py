"""Pairs learnt from a text: how many, in which order, and what becomes of letters they lack."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.chips.chips import Chip, ChipRow, chips, token_chips
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.theme import Scheme
from gptviz.subjects.byte_pairs import analysis, controls, figures, sentences
from gptviz.subjects.byte_pairs.analysis import Learnt
from gptviz.subjects.byte_pairs.controls import Source
from gptviz.subjects.tokens.analysis import SENTENCES, token_table
from gptviz.tokenizers import GPT2Tokenizer, HuggingFaceTokenizer, Tokenizer, visible
from gptviz.tokenizers.trained import SMALLEST
from gptviz.tokenizers.visible import code_point

MERGE_KEYS, TORN_KEYS, UNKNOWN_KEYS = ("merges_done",), ("torn_text",), ("unknown_text",)
MOST_MERGES = 200  # that can be replayed one by one
BEGINNING = 100  # characters of the text that are drawn
LONGEST = 60  # characters of a typed text
KOREAN = SENTENCES["Korean"]
MIXED = "Café ♥ 고양이 🐱"


def sizes(source: Source, scheme: Scheme) -> None:
    """Tokens of the text over the size of the vocabulary."""
    chosen = controls.size()
    learnt = _learnt(source)
    size = _fitting(learnt, chosen)
    st.markdown(sentences.of_size(learnt, size))
    others = {
        "characters": (learnt.characters.vocab_size, learnt.length),
        "GPT-2's vocabulary": (GPT2Tokenizer().vocab_size, learnt.gpt2),
    }
    table = look.look(analysis.sizes, learnt)
    show.chart(
        figures.sizes(table, (size, learnt.tokens(size)), others, scheme),
        key="bpe_sizes",
        name="tokens of the text",
        shape=(len(table),),
        how_to_read="the first merges save the most, and each later one less: the commonest pairs "
        "are taken. At the left stand single bytes; each token more joins one pair wherever it "
        "stands, and each join makes the text one token shorter. A shorter text is less to "
        "compute, and more of it fits the context. The price: each token is a row of the "
        f"{term('embedding')} matrix, and a token that came twice has been seen twice when the "
        "model learns what it means. ■ one token a character; ◆ GPT-2's "
        f"{term('BPE')}, which was learnt from web pages. The axis below multiplies.",
        table=table,
        code=_code(source, analysis.sizes, "table = sizes(learn(text))").drawn(
            figures.sizes, f"table, {(size, learnt.tokens(size))!r}, {others!r}"
        ),
    )


def merges(source: Source, scheme: Scheme) -> None:
    """The merges in their order, on the beginning of the text."""
    learnt = _learnt(source)
    table = look.look(analysis.merges, learnt)
    if table.empty:
        show.note(sentences.NOTHING_TWICE)
        return
    most = min(MOST_MERGES, len(table))
    done = choices.index("merges_done", "Merges done", most + 1, min(8, most))
    st.markdown(sentences.of_merge(table, done, learnt.n_bytes))
    tokenizer = look.look(Learnt.of_size, learnt, SMALLEST + done)
    text = analysis.beginning(source.text, BEGINNING)
    row = _after(tokenizer, text)
    token_chips([row], scheme, key="merged_text")
    rest = "" if text == source.text else ", which goes on"
    show.source(
        f"the beginning of the text after {done} merges",
        (len(row.chips),),
        f"{sentences.outlined(sum(chip.marked for chip in row.chips), done)} A merge joins its "
        f"pair everywhere in the text{rest}. None joins across the border of a word, and the "
        "space before a word belongs to it.",
    )
    show.chart(
        figures.merges(table, done, scheme),
        key="merges_in_order",
        name="times joined",
        shape=(len(table),),
        how_to_read="each bar is a merge, in the order in which they were learnt: always the two "
        "neighbours that stand side by side most often just then. Orange with a border: the last "
        "that is done; pale: those to come. A bar can be higher than the one before where a letter "
        "is repeated: of three in a row, two neighbours are seen twice and joined once. The "
        f"numbers hold all {len(table):,} merges; the text has no more pairs that stand side by "
        "side twice.",
        table=table,
        code=_code(source, analysis.merges, "table = merges(learn(text))").drawn(
            figures.merges, f"table, {done}"
        ),
    )


def letters(source: Source, scheme: Scheme) -> None:
    """Which letters of a typed text fall apart, beside GPT-2's tokens."""
    text, chosen = _text_and_size("torn_text", "A text to cut", KOREAN)
    learnt = _learnt(source)
    size = _fitting(learnt, chosen)
    tokenizer = look.look(Learnt.of_size, learnt, size)
    table = analysis.letters(tokenizer, text)
    own = f"byte pairs of {size:,}"
    ids = [each.encode(text) for each in (tokenizer, GPT2Tokenizer())]
    known = set(learnt.characters.characters)
    strange = sum(letter not in known for letter in text)
    st.markdown(sentences.of_letters(table, [len(each) for each in ids], strange))
    rows = [
        _letter_row(text),
        _byte_row(tokenizer, ids[0], "byte pairs"),
        _byte_row(GPT2Tokenizer(), ids[1], "GPT-2"),
    ]
    token_chips(rows, scheme, key="torn", arrange="aligned")
    show.chart(
        figures.letters(table, own, scheme),
        key="torn_letters",
        name="tokens that hold a part of a letter",
        shape=(len(table), 2),
        how_to_read="a bar above 1 is a letter that is torn: no single token holds it. In "
        f"{term('UTF-8')} a Latin letter is 1 byte, é 2, a Korean syllable 3 and an emoji 4 or "
        "more. Bytes grow together only where the text that was learnt from has them side by side "
        "again and again; else a model has to spell a letter out of its bytes, and pays for each. "
        "Above, each letter stands over the tokens that its bytes fall into. ⟨EA B3⟩ is a token "
        "that is a part of a letter only, in base 16.",
        table=table,
        code=_code(
            source,
            analysis.letters,
            f"tokenizer = learn(text).of_size({size})",
            f"table = letters(tokenizer, {text!r})",
        ).drawn(figures.letters, f"table, {own!r}"),
    )


def unknown(source: Source, scheme: Scheme) -> None:
    """Where letters go that the text that was learnt from does not have."""
    text, chosen = _text_and_size("unknown_text", "A text with strange letters", MIXED)
    learnt = _learnt(source)
    size = _fitting(learnt, chosen)
    tokenizer = look.look(Learnt.of_size, learnt, size)
    table = analysis.unknown(learnt.characters, tokenizer, text)
    ids = tokenizer.encode(text)
    back = analysis.comes_back(learnt.characters, text)
    st.markdown(sentences.of_unknown(table, text, back, len(ids)))
    rows = [_letter_row(text), _known_row(table), _byte_row(tokenizer, ids, "byte pairs")]
    token_chips(rows, scheme, key="unknown_letters", arrange="aligned")
    show.source(
        "ids",
        (len(text), len(ids)),
        "✕ is a letter that a tokenizer of characters has no number for. It knows those of its "
        "text and no other; gptviz's stops there and says so, others put one token for all that "
        "is unknown, and what it was is lost. A byte-level tokenizer has a token for each of the "
        "256 bytes, and any letter of any script is a few of them: nothing is unknown. Whether a "
        "model knows what to do with bytes that it never saw in training is another matter.",
    )
    code = _code(
        source,
        analysis.unknown,
        "learnt = learn(text)",
        f"table = unknown(learnt.characters, learnt.of_size({size}), {text!r})",
    )
    show.numbers(table, "unknown_letters", code)


def _learnt(source: Source) -> Learnt:
    return look.look_for_long(
        analysis.learn, source.text, words="Learning which bytes belong together …"
    )


def _fitting(learnt: Learnt, size: int) -> int:
    """The size, or the largest that the text fills; a line says so."""
    if size > learnt.largest:
        st.caption(sentences.too_large(learnt.largest, size))
    return min(size, learnt.largest)


def _text_and_size(key: str, label: str, default: str) -> tuple[str, int]:
    """A typed text, or else the default, and the size of the vocabulary that cuts it."""
    places = st.columns(2)
    with places[0]:
        typed = st.text_input(
            label,
            key=key,
            bind="query-params",
            max_chars=LONGEST,
            placeholder=f"left empty: {default}",
        )
    with places[1]:
        size = controls.size()
    return (typed or default)[:LONGEST], size


def _after(tokenizer: HuggingFaceTokenizer, text: str) -> ChipRow:
    """The text in tokens; those that the last merge made are marked."""
    last = tokenizer.vocab_size - 2 if tokenizer.merge_ranks else None
    table = token_table(tokenizer, tokenizer.encode(text))
    row = [
        replace(chip, marked=token == last)
        for chip, token in zip(chips(table), table["id"], strict=True)
    ]
    return ChipRow(row)


def _letter_row(text: str) -> ChipRow:
    row = [
        Chip(visible(letter.encode()), i, code_point(letter), width=len(letter.encode()))
        for i, letter in enumerate(text)
    ]
    return ChipRow(row, "letters")


def _known_row(table: pd.DataFrame) -> ChipRow:
    row = [
        Chip("✕", position, "unknown", marked=True, width=width)
        if pd.isna(token)
        else Chip(letter, position, f"id {token}", width=width)
        for letter, position, token, width in zip(
            table["letter"],
            table["position"],
            table["id"],
            table["bytes"].str.split().str.len(),
            strict=True,
        )
    ]
    return ChipRow(row, "characters")


def _byte_row(tokenizer: Tokenizer, ids: list[int], name: str) -> ChipRow:
    row = [
        replace(chip, width=len(tokenizer.token_bytes(token)))
        for chip, token in zip(chips(token_table(tokenizer, ids)), ids, strict=True)
    ]
    return ChipRow(row, name)


def _code(source: Source, function: Callable[..., Any], *lines: str) -> Code:
    learn = "from gptviz.subjects.byte_pairs.analysis import learn"
    return Code(function, (learn, *source.lines, *lines))
