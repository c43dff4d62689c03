"""Numbers that a reader types, or draws with a seed."""

import re

import streamlit as st

from gptviz.app import dice
from gptviz.quoting import cut

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST = 1e6
LONGEST = 1000  # characters of what is typed; more than so many numbers need
SHOWN = 20  # characters of what is no number
Row = tuple[float, ...]


def text(key: str, label: str, default: str) -> str:
    """What stands in a box for numbers, as the address has it; `rows_in` or `row_in` reads it.

    Draw all controls of a page before you read one: what cannot be read ends the page there.
    """
    typed = st.text_input(
        label,
        default,
        key=key,
        bind="query-params",
        max_chars=LONGEST,
        help="Spaces or commas between numbers, a semicolon between rows; a decimal point, no "
        "decimal comma.",
    )
    return typed or ""


def paragraphs(key: str, label: str, longest: int, height: int) -> tuple[str, int]:
    """A text of several lines, its beginning where it is too long, and how many characters came.

    The address has it while it is short.
    """
    state = st.session_state
    came = f"{key}_came"
    if key not in state:
        state[key] = st.query_params.get(key, "")
    if len(state[key]) > longest:
        # The browser sends its boxes with every click, so it must not keep a book.
        state[came], state[key] = len(state[key]), state[key][:longest]
    text = st.text_area(label, key=key, height=height, persist_state="session") or ""
    if len(text) < longest:
        state.pop(came, None)
    if 0 < len(text) <= LONGEST:
        st.query_params[key] = text
    else:
        st.query_params.pop(key, None)
    return text, state.get(came, len(text))


def row_in(text: str, most: int, of: str = "") -> Row:
    """The numbers in a text of one row; raises ValueError as `rows_in` does."""
    return rows_in(text, 1, most, of)[0]


def rows_in(text: str, most_rows: int, most: int, of: str = "") -> tuple[Row, ...]:
    """The numbers in a text: rows with semicolons between them, numbers with spaces or commas.

    Raises ValueError, in words, for a text without numbers, for what is none or is further from 0
    than LARGEST, for too many of them, and for rows that are not as long as the first. The words
    begin with the name of what was typed, if one is given.
    """
    try:
        return _rows(text, most_rows, most)
    except ValueError as error:
        if not of:
            raise
        raise ValueError(f"{of}: {error}") from None


def _rows(text: str, most_rows: int, most: int) -> tuple[Row, ...]:
    if len(text) >= LONGEST:  # Streamlit cuts what an address brings, perhaps within a number
        raise ValueError(
            f"{LONGEST:,} characters or more came, and only fewer fit; leave some numbers out"
        )
    parts = text.replace("−", "-").removesuffix(";").split(";")
    found = [tuple(_number(word) for word in re.split(r"[,\s]+", part) if word) for part in parts]
    if not any(found):
        raise ValueError("there is no number yet; type some, as 2, 1, 0.5")
    if len(found) > most_rows:
        raise ValueError(
            f"{len(found)} rows came, and at most {most_rows} fit; leave some out"
            if most_rows > 1
            else "a semicolon begins a second row, and one row is all that fits here; leave it out"
        )
    for i, numbers in enumerate(found):
        if len(numbers) > most:
            raise ValueError(
                f"row {i} has {len(numbers)} numbers, and at most {most} fit; leave some out"
            )
        if len(numbers) != len(found[0]):
            plural = "" if len(numbers) == 1 else "s"
            raise ValueError(
                f"row {i} has {len(numbers)} number{plural} and row 0 has {len(found[0])}; give "
                f"each row as many"
            )
    return tuple(found)


def seed(key: str, default: int = 0) -> int:
    """Which random numbers are drawn; the same seed draws the same."""
    dice.drop_unless_a_number(key)
    return int(
        st.number_input(
            "Seed",
            min_value=0,
            max_value=dice.LARGEST_SEED,
            value=default,
            key=key,
            bind="query-params",
            help="Same seed, same numbers: they are random, and can be drawn again.",
        )
    )


def _number(word: str) -> float:
    if not NUMBER.fullmatch(word):
        raise ValueError(
            f"“{cut(word, SHOWN)}” is no number; write digits with a decimal point, as 2, −1 or 0.5"
        )
    number = float(word)
    if abs(number) > LARGEST:
        raise ValueError(
            f"{cut(word, SHOWN)} is too large; numbers from −{LARGEST:,.0f} to {LARGEST:,.0f} fit"
        )
    return number
