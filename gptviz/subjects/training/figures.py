"""Pictures of runs side by side: their curves, and a ranking."""

import html
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from gptviz.app.lines import across, logarithmic_ticks, look, plain_numbers, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    LINE_WIDTH,
    PALETTES,
    Scheme,
    layout,
)
from gptviz.jobs.experiments import BASELINE, TITLES
from gptviz.runs.compare import Axis, Curve
from gptviz.runs.curves import BASELINES, SMOOTHING, smooth, thin
from gptviz.subjects.scaling.law_analysis import PowerLaw

HEIGHT = 460
ROW_HEIGHT = 68  # pixels of a variant
AXES = {"step": "step", "tokens": "tokens read", "seconds": "seconds of training"}
HOVER = {
    "training": "%{fullData.name}<br>{axis} %{x:,.0f}<br>training loss, smoothed by "
    "{smoothing}: %{y:.3f}<extra></extra>",
    "validation": "%{fullData.name}<br>{axis} %{x:,.0f}<br>validation loss %{y:.3f}<extra></extra>",
}


def comparison(
    curves: Sequence[Curve],
    axis: Axis,
    scheme: Scheme,
    baselines: Mapping[str, float] | None = None,
) -> go.Figure:
    """Runs over one axis: validation loss as a line with points, training loss smoothed and pale.

    Runs differ in colour and in dash. baselines, by the keys of BASELINES, are lines across.
    """
    figure = go.Figure(layout=layout(scheme, height=HEIGHT, legend=LEGEND_ABOVE))
    for i, curve in enumerate(curves):
        line = look(i, scheme)
        for kind, (x, y), opacity, mode in (
            ("training", thin(curve.x, smooth(curve.train_loss, SMOOTHING)), 0.45, "lines"),
            ("validation", thin(curve.val_x, curve.val_loss), 1.0, "lines+markers"),
        ):
            figure.add_scatter(
                x=x,
                y=small(y),
                name=html.escape(curve.name, quote=False),
                legendgroup=str(i),
                showlegend=kind == "validation",
                mode=mode,
                marker={"size": 7},
                line=line,
                opacity=opacity,
                hovertemplate=HOVER[kind]
                .replace("{axis}", AXES[axis])
                .replace("{smoothing}", f"{SMOOTHING}"),
            )
    levels = {BASELINES[name]: loss for name, loss in (baselines or {}).items()}
    across(figure, levels, scheme, "right")
    figure.update_xaxes(title=AXES[axis], rangemode="tozero")
    return figure.update_yaxes(title="loss, nats a token")


def by_size(table: pd.DataFrame, law: PowerLaw, scheme: Scheme) -> go.Figure:
    """Best validation losses over sizes, from `analysis.by_size`, and the line nearest to them.

    Both axes multiply.
    """
    colours, x = PALETTES[scheme], table["parameters"].to_numpy(float)
    ticks = logarithmic_ticks(x)
    points = go.Scatter(
        x=x,
        y=small(table["best_val_loss"].to_numpy()),
        mode="markers+text",
        text=[html.escape(name, quote=False) for name in table["run"]],
        textposition="top center",
        marker={"size": 12, "color": colours.accent},
        cliponaxis=False,
        hovertemplate="%{text}<br>%{x:,} parameters<br>loss %{y:.3f}<extra></extra>",
    )
    line = go.Scatter(
        x=x, y=small(law.at(x)), mode="lines", line={"color": colours.text}, hoverinfo="skip"
    )
    return go.Figure(
        [line, points],
        layout(
            scheme,
            height=340,
            showlegend=False,
            xaxis={
                "type": "log",
                "title": "parameters without embeddings",
                "tickvals": ticks,
                "ticktext": plain_numbers(ticks),
            },
            yaxis={"type": "log", "title": "best loss, nats a token"},
        ),
    )


def ranking(table: pd.DataFrame, scheme: Scheme) -> go.Figure:
    """The best validation loss of each variant of an experiment, the lowest on top.

    In bits a byte where the tokenizers differ, else in nats a token.

    table is gptviz.jobs.experiments.ranking's. A dotted line marks the baseline; variants
    without a loss are left out. The axis does not begin at 0.
    """
    by_bits = "best_bits_per_byte" in table  # of runs whose losses do not compare
    measure, unit = ("best_bits_per_byte", "bits a byte") if by_bits else ("best_val_loss", "nats")
    known = table.dropna(subset=[measure])
    colours = PALETTES[scheme]
    figure = go.Figure(
        go.Scatter(
            x=small(known[measure].to_numpy()),
            y=[
                f"{row.rank:.0f}  {html.escape(TITLES.get(row.variant, row.variant), quote=False)}"
                for row in known.itertuples()
            ],
            mode="markers+text",
            marker={"size": 14, "color": colours.sequential[3]},
            text=[f"{loss:.3f}" for loss in known[measure]],
            textposition="middle right",
            cliponaxis=False,
            hovertemplate=f"%{{y}}<br>best validation loss %{{x:.4f}} {unit}<extra></extra>",
        ),
        layout=layout(scheme, height=120 + ROW_HEIGHT * max(1, len(known))),
    )
    baseline = known.loc[known["variant"] == BASELINE, measure]
    if len(baseline):
        line = {"color": colours.accent, "width": LINE_WIDTH, "dash": "dot"}
        figure.add_vline(x=float(baseline.iloc[0]), line=line, annotation_text=TITLES[BASELINE])
    unit = unit if by_bits else "nats a token"
    figure.update_xaxes(title=f"best validation loss, {unit}: further left is better")
    return figure.update_yaxes(autorange="reversed", type="category")
