"""What sentences cost under several tokenizers, as bars."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout

PATTERNS = ("", "/", ".", "x")  # so that nothing is told by colour alone
CANNOT = "✕"


def cost_bars(costs: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """Tokens for each sentence, one bar for each tokenizer; the first tokenizer's are strongest.

    costs is the table of `analysis.cost_table`. A tokenizer that cannot write a sentence
    has ✕ in place of a bar. Raises ValueError for more tokenizers than can be told apart.
    """
    names = costs["tokenizer"].drop_duplicates()
    if len(names) > len(PATTERNS):
        raise ValueError(
            f"{len(names)} tokenizers came, and {len(PATTERNS)} can be told apart; leave some out"
        )
    palette = PALETTES[scheme]
    colours = (palette.sequential[4], palette.sequential[2], palette.muted, palette.sequential[3])
    figure = go.Figure(
        layout=layout(scheme, barmode="group", bargap=0.25, height=400, legend=LEGEND_ABOVE)
    )
    for name, colour, pattern in zip(names, colours, PATTERNS, strict=False):
        of_one = costs[costs["tokenizer"] == name]
        figure.add_bar(
            name=name,
            x=of_one["sentence"].tolist(),
            y=of_one["tokens"].fillna(0).to_numpy("float32"),
            text=[CANNOT if pd.isna(tokens) else f"{tokens}" for tokens in of_one["tokens"]],
            textposition="outside",
            cliponaxis=False,
            customdata=[_hover(row) for row in of_one.to_dict("records")],
            hovertemplate="%{customdata}<extra></extra>",
            marker={
                "color": colour,
                "pattern": {
                    "shape": pattern,
                    "fillmode": "overlay",
                    "fgcolor": palette.background,
                    "size": 7,
                },
            },
        )
    return figure.update_yaxes(title="tokens", rangemode="tozero")


def _hover(row: dict[Hashable, Any]) -> str:
    if pd.isna(row["tokens"]):
        return f"{row['sentence']}, {row['tokenizer']}: cannot be written"
    return (
        f"{row['sentence']}, {row['tokenizer']}: {row['tokens']} tokens for {row['characters']} "
        f"characters, {row['characters_per_token']:.2f} characters a token"
    )
