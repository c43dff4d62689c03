"""Texts that were found or drawn, whole, with how likely the model holds each."""

from functools import partial

import pandas as pd
import streamlit as st

SHORT = ("rank", "written with", "tokens")  # columns
TEXT_WIDTH, LINE = 520, 66  # pixels, and how many letters fit into them
TALLEST = 98  # pixels of a row: four lines


def found_texts(table: pd.DataFrame, key: str) -> None:
    """The texts as they stand: the model's words are never Markdown."""
    lines = max(sum(1 + len(line) // LINE for line in text.split("\n")) for text in table["text"])
    number = partial(st.column_config.NumberColumn, format="%.3f", width=100)
    st.dataframe(
        table,
        hide_index=True,
        key=f"{key}_texts",
        row_height=min(14 + 21 * lines, TALLEST),
        column_config={
            **{name: st.column_config.Column(width=110) for name in SHORT},
            "sum": number("sum of ln p"),
            "mean": number("mean of ln p"),
            "perplexity": number("perplexity"),
            "text": st.column_config.TextColumn("text", width=TEXT_WIDTH),
        },
    )
