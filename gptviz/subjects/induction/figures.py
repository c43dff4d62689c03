"""The birth of an induction head: loss and every head's score on one axis of steps."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gptviz.app.lines import look, small
from gptviz.app.theme import LEGEND_ABOVE, LINE_WIDTH, PALETTES, Scheme, layout
from gptviz.runs.curves import SMOOTHING, thin

HEIGHT = 580
NAMED_HEADS = 4
LOSS = f"training loss, smoothed by {SMOOTHING}"
LOSS_HOVER = f"step %{{x}}<br>{LOSS}: %{{y:.3f}}<extra></extra>"


def birth(
    scores: np.ndarray,
    steps: np.ndarray,
    loss: tuple[np.ndarray, np.ndarray],
    scheme: Scheme,
) -> go.Figure:
    """Training loss above, induction score of every head (S, L, H) below, on one axis of steps.

    loss is steps and values. The axis of steps multiplies, for what is sudden is early; step 0
    has no place on it. The best heads at the end are named. Raises ValueError unless there is one
    step for each row of scores.
    """
    if len(scores) != len(steps):
        raise ValueError(f"{len(steps)} steps came for {len(scores)} rows of scores")
    colours = PALETTES[scheme]
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.06)
    figure.update_layout(layout(scheme, height=HEIGHT, legend=LEGEND_ABOVE))
    x, y = thin(*loss)
    figure.add_scatter(
        x=x,
        y=small(y),
        name=LOSS,
        mode="lines",
        line={"color": colours.sequential[3], "width": LINE_WIDTH},
        hovertemplate=LOSS_HOVER,
        row=1,
        col=1,
    )
    later = steps > 0
    heads = [(i, j) for i in range(scores.shape[1]) for j in range(scores.shape[2])]
    best = sorted(heads, key=lambda head: -scores[-1, *head])[:NAMED_HEADS] if len(scores) else []
    for head in sorted(heads, key=best.__contains__):  # the named ones on top
        named = head in best
        line = look(best.index(head) + 1, scheme) if named else {"color": colours.muted}
        name = f"L{head[0]} H{head[1]}"
        figure.add_scatter(
            x=steps[later],
            y=small(scores[later, *head]),
            name=name,
            showlegend=named,
            mode="lines",
            line={**line, "width": LINE_WIDTH},
            opacity=1.0 if named else 0.5,
            hovertemplate=f"{name}<br>step %{{x}}<br>induction score %{{y:.3f}}<extra></extra>",
            row=2,
            col=1,
        )
    figure.update_xaxes(type="log", dtick=1)
    figure.update_xaxes(title="step", row=2, col=1)
    figure.update_yaxes(title="loss, nats a token", row=1, col=1)
    return figure.update_yaxes(title="induction score", range=[0, 1.02], row=2, col=1)
