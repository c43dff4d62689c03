"""Pictures of what a model is made of and takes: bars of parts, a family, sums, two times."""

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, look
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout

ROW = 38  # pixels of a bar with the space around it
THICK = 64  # of one that is a sum
PATTERNS = ("", "/", "x", "\\", ".", "-", "+")  # beside the colours of a sum's parts
SUFFIXES = {12: "T", 9: "B", 6: "M", 3: "k", 0: ""}


def parts(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The parameters of each part, from `analysis.parts`, as bars with their numbers and shares."""
    colours = PALETTES[scheme]
    own = {"attention": colours.attn, "MLP": colours.mlp}
    numbers = table["parameters"].to_numpy(float)
    told = zip(table["parameters"], table["share"], strict=True)
    bars = go.Bar(
        x=numbers,
        y=table["part"].tolist(),
        orientation="h",
        marker={"color": [own.get(part, colours.sequential[3]) for part in table["part"]]},
        text=[f"{short(number)}<br>{_share(share)}" if number else "0" for number, share in told],
        textposition="outside",
        constraintext="none",  # else it shrinks to what its bar is high
        cliponaxis=False,
        customdata=table["filled"].tolist(),
        hovertemplate="%{y}<br>%{customdata}<br>= %{x:,.0f}<extra></extra>",
    )
    return go.Figure(
        bars,
        layout(
            scheme,
            height=56 + ROW * len(table),
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
            xaxis={"range": [0, 1.3 * numbers.max()], "title": "parameters"},
            yaxis={"autorange": "reversed", "showgrid": False},
        ),
    )


def family(table: pd.DataFrame, chosen: str, scheme: Scheme) -> go.Figure:
    """Sizes of models, from `family_analysis.family`, as points; the chosen one stands out.

    The axis multiplies. A hollow mark is what the paper says, where it says something.
    """
    colours = PALETTES[scheme]
    names = [html.escape(name, quote=False) for name in table["model"]]
    counts = table["parameters"].to_numpy(float)
    said = table["published"].to_numpy(float) * 1e6
    papers = np.isfinite(said)
    points = go.Scatter(
        x=counts,
        y=names,
        mode="markers+text",
        marker={
            "size": 14,
            "color": [
                colours.accent if name == chosen else colours.sequential[3]
                for name in table["model"]
            ],
        },
        text=[f"  {short(count)}" for count in counts],  # beside the ring
        textposition="middle right",
        cliponaxis=False,
        name="counted",
        customdata=[f"{int(count):,}" for count in counts],
        hovertemplate="%{y}<br>%{customdata} parameters<extra></extra>",
    )
    hollow = go.Scatter(
        x=said[papers],
        y=[name for name, is_said in zip(names, papers, strict=True) if is_said],
        mode="markers",
        marker={"size": 20, "symbol": "circle-open", "color": colours.text, "line": {"width": 2}},
        name="as the paper says",
        hovertemplate="%{y}<br>%{x:.3s} in the paper<extra></extra>",
    )
    ticks = logarithmic_ticks(counts)
    return go.Figure(
        [points, hollow],
        layout(
            scheme,
            height=110 + 34 * len(names),
            legend=LEGEND_ABOVE,
            xaxis={
                "type": "log",
                "title": "parameters",
                "tickvals": ticks,
                "ticktext": [short(tick) for tick in ticks],
                "range": [np.log10(counts.min()) - 0.2, np.log10(counts.max()) + 0.8],
            },
            yaxis={"autorange": "reversed", "type": "category"},
        ),
    )


def sums(
    table: pd.DataFrame, row: str, part: str, value: str, scheme: Scheme, ticks: str = ","
) -> go.Figure:
    """Sums of parts, one bar for each value of the column `row`; `value` is what is added up.

    Colour and pattern tell the parts; ticks is how Plotly writes the axis's numbers.
    """
    rows = list(dict.fromkeys(table[row]))
    figure = go.Figure(
        layout=layout(
            scheme,
            height=140 + THICK * len(rows),
            barmode="stack",
            legend={**LEGEND_ABOVE, "traceorder": "normal"},
            xaxis={"title": value, "tickformat": ticks},
            yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
        )
    )
    for i, name in enumerate(dict.fromkeys(table[part])):
        own = table[table[part] == name]
        figure.add_bar(
            x=own[value].to_numpy(float),
            y=own[row].tolist(),
            name=name,
            orientation="h",
            marker={
                "color": look(i, scheme)["color"],
                "pattern": {"shape": PATTERNS[i % len(PATTERNS)], "fillmode": "overlay"},
            },
            hovertemplate=f"%{{y}}<br>{name}: %{{x:,.4~s}} {value}<extra></extra>",
        )
    return figure


def times(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """What was predicted and what was measured, in seconds, from `work_analysis.comparison`."""
    colours = PALETTES[scheme]
    bars = [
        go.Bar(
            x=table[name].to_numpy(float) * 1000,
            y=table["what"].tolist(),
            name=name,
            orientation="h",
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            text=[f"{1000 * value:.3g} ms" for value in table[name]],
            textposition="outside",
            cliponaxis=False,
            hovertemplate=f"%{{y}}<br>{name} %{{x:.3g}} ms<extra></extra>",
        )
        for name, colour, pattern in (
            ("predicted", colours.mark, "/"),
            ("measured", colours.sequential[3], ""),
        )
    ]
    most = 1000 * float(table[["predicted", "measured"]].max(axis=None))
    return go.Figure(
        bars,
        layout(
            scheme,
            height=120 + 2 * ROW * len(table),
            legend={**LEGEND_ABOVE, "traceorder": "normal"},
            xaxis={"title": "milliseconds", "range": [0, 1.2 * most]},
            yaxis={"autorange": "reversed", "type": "category", "showgrid": False},
        ),
    )


def _share(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "under 0.1%"


def short(number: float) -> str:
    """A large number in few signs: 124M, 1.56B, 175B."""
    power = next((p for p in SUFFIXES if number >= 10**p), 0)
    return f"{number / 10**power:.3g}{SUFFIXES[power]}"
