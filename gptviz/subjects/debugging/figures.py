"""Pictures of a network's modules, of gradients by layer, and of losses step by step."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import across, logarithmic_ticks, look, plain_numbers, small
from gptviz.app.theme import LEGEND_ABOVE, PALETTES, Scheme, layout
from gptviz.runs.curves import SMOOTHING
from gptviz.subjects.debugging.gradient_analysis import type_of

ROW = 36  # pixels of a module: a line of text, and its bar below that
HEIGHT = 390
MOST_TICKS = 7
HEALTHY = (0.1, 2.0)  # norms, as the course has them
ENDS = ("embedding", "ln_f", "lm_head")


def walk(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """What comes out of each module, from rows of `analysis.walk`: its shape over a bar.

    The axis multiplies. Attention and MLP have their colours; the block stands out.
    """
    colours = PALETTES[scheme]
    fill = [
        colours.accent
        if row.kind == "Block"
        else colours.attn
        if ".attn" in row.module
        else colours.mlp
        if ".mlp" in row.module
        else colours.mark
        for row in table.rename(columns={"class": "kind"}).itertuples()
    ]
    modules = table["module"].tolist()
    numbers = table["numbers"].to_numpy(float)
    ticks = [tick for tick in logarithmic_ticks(numbers) if np.log10(tick).is_integer()]
    bars = go.Bar(
        x=numbers,
        y=modules,
        orientation="h",
        **{"offset": 0.08, "width": 0.22},  # below the middle of its row
        marker={"color": fill},
        customdata=table[["class", "input", "output", "letters"]].to_numpy(),
        hovertemplate="%{y} (%{customdata[0]})<br>in: %{customdata[1]}"
        "<br>out: %{customdata[2]} = %{customdata[3]}<br>%{x:,} numbers<extra></extra>",
    )
    # Names stand over the bars, and not beside the axis: so both have the whole width of a phone.
    names = go.Scatter(
        x=[1] * len(table),
        y=modules,
        mode="text",
        text=[
            f"<b>{module}</b> {out}"
            if given == out
            else f"<b>{module}</b> {given.partition(' and ')[0]} → {out}"
            for module, given, out in zip(modules, table["input"], table["output"], strict=True)
        ],
        textposition="top right",
        cliponaxis=False,
        hoverinfo="skip",
    )
    return go.Figure(
        [bars, names],
        layout(
            scheme,
            height=70 + ROW * len(table),
            showlegend=False,
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
            xaxis={
                "type": "log",
                "title": "numbers that come out",
                "range": [0, float(np.log10(numbers.max()))],
                "tickmode": "array",
                "tickvals": ticks,
                "ticktext": plain_numbers(ticks),
            },
            yaxis={
                "range": [len(table) - 0.5, -0.5],  # from above
                "type": "category",
                "showgrid": False,
                "showticklabels": False,
            },
        ),
    )


def modules(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The tree of modules from `analysis.modules`, each as wide as it has parameters."""
    colours = PALETTES[scheme]
    drawn = table[table["parameters"] > 0]
    root = drawn["module"].iloc[0]
    paths = drawn["module"].tolist()
    fill = [
        colours.attn if ".attn" in path else colours.mlp if ".mlp" in path else colours.muted
        for path in paths
    ]
    return go.Figure(
        go.Icicle(
            ids=paths,
            labels=[path.rpartition(".")[2] for path in paths],
            parents=["", *(path.rpartition(".")[0] or root for path in paths[1:])],
            values=drawn["parameters"].tolist(),
            branchvalues="total",
            sort=False,
            tiling={"orientation": "v"},
            leaf={"opacity": 1},
            maxdepth=5,
            marker={"colors": fill, "line": {"color": colours.background, "width": 2}},
            textfont={"color": "#ffffff" if scheme == "light" else "#000000"},
            customdata=drawn[["class", "shapes"]].to_numpy(),
            hovertemplate="%{id} (%{customdata[0]})<br>%{value:,} parameters"
            "<br>%{customdata[1]}<extra></extra>",
        ),
        layout(scheme, height=380, margin={"l": 8, "r": 8, "t": 8, "b": 8}),
    )


def by_part(table: pd.DataFrame, measure: str, scheme: Scheme) -> go.Figure:
    """A measure of each part's gradient, from `gradient_analysis.by_part`, through the layers.

    measure is one of the table's columns. The range that is called healthy is drawn for norms. The
    axis multiplies, so what is 0 has no place on it.
    """
    colours = PALETTES[scheme]
    own = {"attention": colours.attn, "MLP": colours.mlp}
    parts = table["part"].tolist()
    places = list(dict.fromkeys(_place(part) for part in parts))
    lines: dict[str, list[tuple[str, float]]] = {}
    for part, value in zip(parts, table[measure], strict=True):
        name = "ends" if part in ENDS else {"layer norm": "norms"}.get(type_of(part), type_of(part))
        lines.setdefault(name, []).append((_place(part), value))
    drawn = [
        go.Scatter(
            x=[place for place, _ in points],
            y=small(np.array([value if value > 0 else np.nan for _, value in points])),
            name={"ends": "before and after the blocks"}.get(name, name),
            mode="markers" if name == "ends" else "lines+markers",
            line=look(i, scheme) | ({"color": own[name]} if name in own else {}),
            marker={"size": 11, "symbol": ("diamond", "circle", "square", "triangle-up")[i % 4]},
            hovertemplate=f"%{{x}}<br>{name}: %{{y:.3g}}<extra></extra>",
        )
        for i, (name, points) in enumerate(lines.items())
        if any(value > 0 for _, value in points)
    ]
    with_range = measure == "norm"
    values = np.array([*table[measure], *(HEALTHY if with_range else ())])
    ticks = logarithmic_ticks(values)
    ticks = ticks[:: -(-len(ticks) // MOST_TICKS)]
    band = {
        "type": "rect",
        "xref": "paper",
        **{"x0": 0, "x1": 1, "y0": HEALTHY[0], "y1": HEALTHY[1]},
        "fillcolor": colours.mlp,
        "opacity": 0.15,
        "line": {"width": 0},
        "layer": "below",
    }
    return go.Figure(
        drawn,
        layout(
            scheme,
            height=HEIGHT,
            legend=LEGEND_ABOVE,
            shapes=[band] if with_range else [],
            xaxis={"type": "category", "categoryarray": places, "categoryorder": "array"},
            yaxis={
                "type": "log",
                "title": measure if with_range else "mean absolute value",
                "tickmode": "array",
                "tickvals": ticks,
                "ticktext": [_tick(tick) for tick in ticks],
            },
        ),
    )


def beside(table: pd.DataFrame, guesses: Mapping[str, float], scheme: Scheme) -> go.Figure:
    """Training losses of runs, from `symptom_analysis.curves`, a line each.

    guesses are losses that are lines across, by what they are called. What climbs beyond twice
    the highest start leaves the picture, or the others would be flat.
    """
    starts = [own["loss"].iloc[0] for _, own in table.groupby("run")]
    top = min(2 * max(starts), 1.05 * table["loss"].max())
    drawn = [
        go.Scatter(
            x=own["step"].to_numpy(),
            y=small(own["loss"].to_numpy()),
            name=name,
            line=look(i, scheme),
            hovertemplate=f"{name}<br>step %{{x}}<br>loss, smoothed by {SMOOTHING}: %{{y:.2f}}"
            "<extra></extra>",
        )
        for i, (name, own) in enumerate(table.groupby("run", sort=False))
    ]
    figure = go.Figure(
        drawn,
        layout(
            scheme,
            height=400,
            legend=LEGEND_ABOVE,
            xaxis={"title": "step", "zeroline": False},
            yaxis={
                "title": f"training loss, smoothed by {SMOOTHING}, nats a token",
                "range": [0, top],
            },
        ),
    )
    return across(figure, guesses, scheme)


def _place(part: str) -> str:
    return part if part in ENDS else ".".join(part.split(".")[:2])


def _tick(tick: float) -> Any:
    return plain_numbers([tick])[0] if tick >= 1e-4 else f"{tick:.0e}".replace("e-0", "e-")
