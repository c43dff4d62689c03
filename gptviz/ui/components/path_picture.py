"""The path of a prompt through the network: large on the overview, small on every page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.analysis.overview import Journey
from gptviz.ui import parts, run_steps
from gptviz.ui.pages import STAGES

if TYPE_CHECKING:
    from gptviz.ui.frame import View

FOLDER = Path(__file__).parent
COMPONENT = st.components.v2.component(
    "gptviz_path_picture",
    html='<div class="path"></div>',
    css=(FOLDER / "path_picture.css").read_text(encoding="utf-8"),
    js=(FOLDER / "path_picture.js").read_text(encoding="utf-8"),
)
LANES_SHOWN = 12


def path_picture(
    view: "View",
    journey: Journey,
    likeliest: pd.DataFrame,
    position: int,
    size: Literal["large", "small"],
    place: str,
) -> None:
    """Draw the path. A click on a token of the large picture chooses its position.

    Of a long prompt, the chosen token and the last ones before it are drawn, and the picture
    says how many are not. Where a model computes what is no number, a sentence stands in its place.
    """
    numbers = (journey.stream, journey.attn, journey.mlp, journey.pattern, likeliest["probability"])
    if not all(np.isfinite(part).all() for part in numbers):
        parts.problem(
            "Not everything that this model computes from this text is a number, so its path "
            "cannot be drawn. Its weights are broken: choose another model on the left."
        )
        return
    first = max(0, position + 1 - LANES_SHOWN)
    lanes = list(range(first, min(len(view.ids), first + LANES_SHOWN)))

    def choose() -> None:
        st.session_state["position"] = int(st.session_state[f"path_{size}"]["position"])

    COMPONENT(
        key=f"path_{size}",
        data={
            "size": size,
            "alt": f"The path of {len(view.ids)} tokens through {view.lm.config.n_layer} blocks",
            "stages": _stages(view, place),
            "tokens": [view.tokens[lane] for lane in lanes],
            "positions": lanes,
            "hidden": len(view.ids) - len(lanes),
            "chosen": lanes.index(position),
            "stream": _rounded(journey.stream[:, lanes]),
            "largest": float(journey.stream[:, lanes].max()),
            "attn": _rounded(journey.attn[:, position]),
            "mlp": _rounded(journey.mlp[:, position]),
            "pattern": _rounded(journey.pattern[:, position][:, lanes]),
            "top": [
                {"token": token, "probability": probability}
                for token, probability in zip(
                    likeliest["token"].tolist(), likeliest["probability"].tolist(), strict=True
                )
            ],
        },
        on_position_change=choose,
    )


def _stages(view: "View", place: str) -> list[dict[str, Any]]:
    config, T = view.lm.config, len(view.ids)
    shapes = {
        "tokens": f"{T}",
        "embeddings": f"{T} × {config.n_embd}",
        "attention": f"{config.n_layer} × {config.n_head} × {T} × {T}",
        "MLP": f"{config.n_layer} × {T} × {4 * config.n_embd}",
        "final norm": f"{T} × {config.n_embd}",
        "logits": f"{T} × {config.vocab_size:,}",
        "probabilities": "sum to 1",
    }
    query = urlencode({**run_steps.address(view.lm.name), "prompt": view.prompt})
    columns = {
        "attention": ("blocks", 0.0, 0.5),
        "MLP": ("blocks", 0.5, 0.5),
        "final norm": ("norm", 0.0, 1.0),
    }
    stages = []
    for name, page in STAGES:
        column, part, share = columns.get(name, (name, 0.0, 1.0))
        link = page not in (place, "overview")
        address = f"{page}?{query}" if link else None
        stages.append(
            {
                "name": name,
                "shape": shapes[name],
                "here": page == place != "overview",
                "href": address,
                "column": column,
                "part": part,
                "share": share,
            }
        )
    return stages


def _rounded(values: np.ndarray) -> list[Any]:
    return np.round(values.astype(float), 3).tolist()
