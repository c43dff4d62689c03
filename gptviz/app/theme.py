"""How every figure looks: two colour scales, an accent, chips for tokens, text and lines.

Amounts run from the page's background (zero) through teal to navy, or to pale green on a dark
page; lightness alone tells them apart, so they survive colour blindness and a grey printer.
Signed values run from blue (below zero) through the background to red: a pair that colour-blind
readers can tell apart. The chosen token is orange, and always outlined as well.
"""

import functools
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from gptviz import quoting

Scheme = Literal["light", "dark"]
Scale = Literal["sequential", "diverging"]

TEXT_SIZE = 16  # pixels: readable from the last row
SMALL_TEXT_SIZE = 12  # pixels: only where many token labels stand side by side
LINE_WIDTH = 2  # pixels
OUTLINE = 3  # pixels, around what is chosen
SANS = '"Source Sans", sans-serif'
MONO = '"Source Code", monospace'
LEGEND_ABOVE = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
LABELLED_TOKENS = 64  # an axis names each token up to here, then every second one, third one …
LABEL_CHARACTERS = 14  # a longer piece is cut on an axis; its hover label is not


@dataclass(frozen=True)
class Palette:
    """The colours of one scheme, as CSS hex values."""

    background: str
    text: str
    muted: str  # text of less weight, axis lines
    grid: str
    accent: str  # the chosen token, head or layer
    attn: str  # what attention adds
    mlp: str  # what the MLP adds
    mark: str  # lines and areas that mean something and have no colour of their own
    sequential: tuple[str, ...]  # amounts, from zero = background
    diverging: tuple[str, ...]  # signed values, with zero = background in the middle
    chips: tuple[str, ...]  # behind tokens, neighbours unlike; `text` is readable on each


PALETTES: Mapping[Scheme, Palette] = MappingProxyType(
    {
        "light": Palette(
            background="#ffffff",
            text="#31333f",
            muted="#5f6270",
            grid="#e3e5ea",
            accent="#ba3d0a",
            attn="#0072b2",
            mlp="#00795a",
            mark="#878a97",
            sequential=("#ffffff", "#c4e8e0", "#6cc1c4", "#2d8bb5", "#1b5595", "#0a2358"),
            diverging=("#0b3c7d", "#3f83c4", "#b4d3ec", "#ffffff", "#f6c3b2", "#d65f4c", "#86101f"),
            chips=("#d9e8fb", "#fde3c8", "#d5f0e3", "#eadcf8", "#fbf3bf", "#f9d9e3"),
        ),
        "dark": Palette(
            background="#0e1117",
            text="#fafafa",
            muted="#a9adba",
            grid="#2b2f3a",
            accent="#ffa94d",
            attn="#5bb3f0",
            mlp="#6ee7b7",
            mark="#6b7080",
            sequential=("#0e1117", "#123a63", "#1a6a93", "#33a1a8", "#8fd3b6", "#f0fbdc"),
            diverging=("#b3dcff", "#4f9ce0", "#1d4a7a", "#0e1117", "#7a2a22", "#e0705c", "#ffd0c2"),
            chips=("#1f3a5f", "#5a3a14", "#15493a", "#43305f", "#4d4611", "#5a2740"),
        ),
    }
)


@dataclass(frozen=True)
class TokenTicks:
    """Labels for an axis of tokens."""

    labels: list[str]  # one a token, unequal, safe in Plotly's text: use them as x or y
    axis: dict[str, Any]  # settings for that axis
    note: str  # what the axis leaves out, or ""

    @property
    def room(self) -> int:
        """Pixels that the longest label takes, and a little more."""
        longest = max(map(len, self.axis["ticktext"]), default=0)
        return 20 + int(0.62 * self.axis["tickfont"]["size"] * min(longest, LABEL_CHARACTERS + 4))


def amounts(scheme: Scheme) -> dict[str, Any]:
    """Settings of a heatmap from 0 (the background) to 1, so that all such pictures compare."""
    return {"colorscale": _scale(PALETTES[scheme].sequential), "zmin": 0.0, "zmax": 1.0}


def signed(scheme: Scheme, limit: float) -> dict[str, Any]:
    """Settings of a heatmap for values from −limit to limit, with 0 as the background.

    Raises ValueError for a limit that is not above 0.
    """
    if not limit > 0:
        raise ValueError(f"the limit is {limit}; a scale needs one above 0")
    scale = _scale(PALETTES[scheme].diverging)
    return {"colorscale": scale, "zmin": -float(limit), "zmax": float(limit)}


def symmetric_limit(values: np.ndarray) -> float:
    """The largest distance from 0 among the finite values; 1 where there is none above 0."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0)) or 1.0


@functools.cache
def colour_table(scheme: Scheme, scale: Scale = "sequential") -> np.ndarray:
    """A scale as 256 colours, (256, 3) uint8, for pictures drawn without Plotly; only to read."""
    colours = getattr(PALETTES[scheme], scale)
    table = _interpolate(colours, np.linspace(0, 1, 256)).round().astype("uint8")
    table.flags.writeable = False  # all who ask share it
    return table


def ink(scheme: Scheme, values: np.ndarray, scale: Scale = "sequential") -> np.ndarray:
    """The colour of text that is readable on each place of a scale from 0 to 1; NaN counts as 0.

    Black or white, whichever has more contrast (Web Content Accessibility Guidelines 2): 4.5 or
    more on any colour.
    """
    levels = np.array([_luminance(colour) for colour in colour_table(scheme, scale)])
    behind = levels[(np.nan_to_num(values) * 255).round().astype(int)] + 0.05
    return np.where(behind / 0.05 >= 1.05 / behind, "#000000", "#ffffff")


def layout(scheme: Scheme, **more: Any) -> dict[str, Any]:
    """The layout that every figure starts from; `more` are Plotly's own layout settings.

    Give all of them here: what is set on a finished figure, Plotly checks and copies anew, which
    a class that moves its sliders would feel. The background is the page's, so that a picture
    that is saved looks the same. Draw with theme=None, so that Streamlit leaves it alone.
    """
    return {"template": _TEMPLATES[scheme], **more}


def outline(scheme: Scheme, x: tuple[float, float], y: tuple[float, float]) -> dict[str, Any]:
    """Plotly's settings of the rectangle around what is chosen, between two x and two y."""
    line = {"color": PALETTES[scheme].accent, "width": OUTLINE}
    return {"type": "rect", "x0": x[0], "x1": x[1], "y0": y[0], "y1": y[1], "line": line}


def token_ticks(tokens: Sequence[str]) -> TokenTicks:
    """Name the tokens on an axis: position before piece, `3 ·love`, for Plotly merges equals.

    Beyond 64 tokens only every second, third … is named, and the note says so.
    """
    step = max(1, -(-len(tokens) // LABELLED_TOKENS))
    labels = [f"{i} {html.escape(piece, quote=False)}" for i, piece in enumerate(tokens)]
    short = [f"{i} {html.escape(cut(piece), quote=False)}" for i, piece in enumerate(tokens)]
    size = TEXT_SIZE if len(tokens) <= LABELLED_TOKENS // 2 else SMALL_TEXT_SIZE
    axis = {
        "type": "category",
        "tickmode": "array",
        "tickvals": labels[::step],
        "ticktext": short[::step],
        "tickfont": {"family": MONO, "size": size},
        "showgrid": False,
    }
    note = f"the axis names 1 of every {step} tokens" if step > 1 else ""
    return TokenTicks(labels, axis, note)


def check_labels(labels: Sequence[str], count: int, what: str) -> None:
    """Raise ValueError if there is not one label for each of `count` things."""
    if len(labels) != count:
        raise ValueError(f"{len(labels)} labels came for {count} {what}; give one for each")


def cut(text: str, longest: int = LABEL_CHARACTERS) -> str:
    """A text of at most so many characters; … stands for the rest."""
    return quoting.cut(text, longest)


def _scale(colours: Sequence[str]) -> list[tuple[float, str]]:
    return [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]


def _interpolate(colours: Sequence[str], at: np.ndarray) -> np.ndarray:
    stops = np.linspace(0, 1, len(colours))
    rgb = np.array([_rgb(colour) for colour in colours])
    return np.stack([np.interp(at, stops, channel) for channel in rgb.T], axis=-1)


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _luminance(rgb: np.ndarray) -> float:
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def _template(colours: Palette) -> go.layout.Template:
    axis = {
        "automargin": True,
        "gridcolor": colours.grid,
        "linecolor": colours.muted,
        "zerolinecolor": colours.muted,
        "zerolinewidth": LINE_WIDTH,
        "ticks": "",
        "ticklabelstandoff": 4,
        "title": {"standoff": 12},
    }
    bar = {"outlinewidth": 0, "thickness": 16, "tickfont": {"size": TEXT_SIZE}}
    template = go.layout.Template(
        layout={
            "font": {"family": SANS, "size": TEXT_SIZE, "color": colours.text},
            "title": {"font": {"size": 18}, "x": 0, "xref": "paper"},
            "hoverlabel": {
                "font": {"family": MONO, "size": TEXT_SIZE, "color": colours.text},
                "bgcolor": colours.background,
                "bordercolor": colours.muted,
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": colours.muted,
                "activecolor": colours.text,
            },
            "paper_bgcolor": colours.background,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "colorway": [colours.sequential[3], colours.accent, colours.diverging[-2]],
            "xaxis": axis,
            "yaxis": axis,
        }
    )
    template.data.scatter = [go.Scatter(line={"width": LINE_WIDTH}, marker={"size": 8})]
    template.data.heatmap = [go.Heatmap(colorbar=bar)]
    return template


_TEMPLATES = {scheme: _template(colours) for scheme, colours in PALETTES.items()}
