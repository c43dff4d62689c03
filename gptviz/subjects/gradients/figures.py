"""Pictures of the layers while a model learns: norms by group, and one parameter's numbers."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptviz.app.lines import logarithmic_ticks, look, plain_numbers, small
from gptviz.app.theme import (
    LEGEND_ABOVE,
    LINE_WIDTH,
    PALETTES,
    Scheme,
    amounts,
    check_labels,
    layout,
)
from gptviz.runs.curves import thin

HEIGHT = 420
ROW_HEIGHT = 34  # pixels of a group
KINDS = {"attn": "attention", "mlp": "MLP", "norm": "norms", "ln_f": "last norm"}
USUAL_UPDATE = 1e-3  # |Δw| ÷ |w| of a run that learns well (Karpathy, makemore part 3, 2022)
BINS = 60


def norm_map(
    values: np.ndarray, steps: np.ndarray, groups: Sequence[str], what: str, scheme: Scheme
) -> go.Figure:
    """A norm of each group at each step, (S, G), as a map: a row a group, in the network's order.

    Each step of colour multiplies, and the scale depends on the data. Zero stays blank. Raises
    ValueError unless there is one name for each group and one step for each row.
    """
    _check(values, steps, groups)
    logarithms = _logarithms(values)
    low, high = _limits(logarithms)
    ticks = logarithmic_ticks(values)
    bar = {
        "title": {"text": what, "side": "top"},
        "tickvals": np.log10(ticks),
        "ticktext": plain_numbers(ticks),
    }
    figure = go.Figure(
        go.Heatmap(
            x=steps,
            y=[_named(group) for group in groups],
            z=small(logarithms.T),
            customdata=small(values.T),
            colorscale=amounts(scheme)["colorscale"],
            zmin=low,
            zmax=high,
            colorbar=bar,
            hovertemplate=f"%{{y}}<br>step %{{x}}<br>{what} %{{customdata:.3g}}<extra></extra>",
        ),
        layout=layout(scheme, height=120 + ROW_HEIGHT * max(1, len(groups))),
    )
    figure.update_xaxes(title="step")
    return figure.update_yaxes(autorange="reversed", type="category", showgrid=False)


def by_group(
    values: np.ndarray,
    steps: np.ndarray,
    groups: Sequence[str],
    what: str,
    scheme: Scheme,
    usual: float | None = None,
) -> go.Figure:
    """A line a group over the steps, (S, G), on an axis that multiplies.

    Colour and dash tell the kind: embedding, attention, MLP, norms; a later layer is paler. A
    dotted line marks what is usual. Raises ValueError as norm_map does.
    """
    _check(values, steps, groups)
    kinds = list(dict.fromkeys(_kind(group) for group in groups))
    figure = go.Figure(layout=layout(scheme, height=HEIGHT, legend=LEGEND_ABOVE))
    shown: set[str] = set()
    for group, column in zip(groups, values.T, strict=True):
        kind = _kind(group)
        x, y = thin(steps, np.where(column > 0, column, np.nan))
        figure.add_scatter(
            x=x,
            y=small(y),
            name=kind,
            legendgroup=kind,
            showlegend=kind not in shown,
            mode="lines",
            line=look(kinds.index(kind), scheme),
            opacity=_opacity(group, groups),
            customdata=[_named(group)] * len(x),
            hovertemplate=f"%{{customdata}}<br>step %{{x}}<br>{what} %{{y:.3g}}<extra></extra>",
        )
        shown.add(kind)
    if usual is not None:
        figure.add_scatter(
            x=steps[[0, -1]] if len(steps) else [],
            y=[usual] * min(2, len(steps)),
            name=f"usual: about {usual:g}",
            mode="lines",
            line={"color": PALETTES[scheme].muted, "width": LINE_WIDTH, "dash": "dot"},
            hoverinfo="skip",
        )
    figure.update_xaxes(title="step")
    ticks = logarithmic_ticks(values)
    return figure.update_yaxes(
        title=what, type="log", tickvals=ticks, ticktext=plain_numbers(ticks)
    )


def histogram(
    values: np.ndarray, name: str, scheme: Scheme, start: np.ndarray | None = None
) -> go.Figure:
    """How the numbers of one parameter are spread, as shares; at the start of training, dashed.

    NaN and infinity are left out.
    """
    colours = PALETTES[scheme]
    drawn = {"now": values, **({} if start is None else {"at the start": start})}
    finite = {key: found[np.isfinite(found)].ravel() for key, found in drawn.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(finite.values())), BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(layout=layout(scheme, height=HEIGHT - 60, legend=LEGEND_ABOVE, bargap=0.05))
    hover = f"{name} about %{{x:.3g}}<br>%{{y:.2%}} of the numbers<extra></extra>"
    for key, found in finite.items():
        share = small(np.histogram(found, edges)[0] / max(1, len(found)))
        if key == "now":
            figure.add_bar(
                x=middles,
                y=share,
                name=key,
                marker_color=colours.sequential[3],
                hovertemplate=hover,
            )
        else:
            line = {"color": colours.accent, "width": LINE_WIDTH, "dash": "dash", "shape": "hvh"}
            figure.add_scatter(
                x=middles, y=share, name=key, mode="lines", line=line, hovertemplate=hover
            )
    figure.update_xaxes(title=f"value of a number in {name}")
    return figure.update_yaxes(title="share", tickformat=".0%")


def _check(values: np.ndarray, steps: np.ndarray, groups: Sequence[str]) -> None:
    S, G = values.shape
    check_labels(groups, G, "groups")
    if len(steps) != S:
        raise ValueError(f"{len(steps)} steps came for {S} rows; give one for each")


def _kind(group: str) -> str:
    return KINDS.get(group.rpartition(".")[2], group)


def _named(group: str) -> str:
    """embedding; L0 attention for h.0.attn."""
    layer = group.split(".")[1:2]
    return " ".join([*(f"L{number}" for number in layer), _kind(group)])


def _opacity(group: str, groups: Sequence[str]) -> float:
    """1 for the first layer, less for later ones; 1 for what belongs to none."""
    numbers = [int(name.split(".")[1]) for name in groups if name.startswith("h.")]
    if not group.startswith("h.") or max(numbers) == 0:
        return 1.0
    return 1.0 - 0.65 * int(group.split(".")[1]) / max(numbers)


def _logarithms(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, np.log10(values), np.nan)


def _limits(logarithms: np.ndarray) -> tuple[float, float]:
    """From the least to the largest finite value; a range of one where they are the same."""
    finite = logarithms[np.isfinite(logarithms)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
