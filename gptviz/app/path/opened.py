"""A stage of the path that is open: which one, its steps as the browser draws them, and words."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.bundle import exact
from gptviz.app.clicks import clicked
from gptviz.app.theme import PALETTES, colour_table
from gptviz.config import GPTConfig
from gptviz.inside import STAGES as OPENED
from gptviz.inside import Operation, Part, inside, table_of

if TYPE_CHECKING:
    from gptviz.app.frame import View

CLOSED = "closed"

# What stands on a step, and what it does: for those who have never seen a network.
STEPS = {
    "token": ("the token", "The row of the table wte that belongs to this token."),
    "position": ("its place", "The row of the table wpe that belongs to this place in the text."),
    "sum": ("the sum", "Both added, number by number: the vector that goes into the first block."),
    "norm": ("norm", "The vector is brought to one scale before it is used."),
    "qkv": (
        "q, k, v",
        "Each head, a row here, makes a query (what am I looking for?), a key (what do I offer?) "
        "and a value (what do I hand over?).",
    ),
    "heads": (
        "heads",
        "Each head, a row here, spreads its attention over the tokens, a column each.",
    ),
    "mix": ("mix", "What each head gathered (z), and what c_proj makes of all of it."),
    "add": ("add", "The vector before, and with what was found added to it."),
    "add_norm": ("add, norm", "The vector before, and with what was found added and normed."),
    "replace": (
        "replace",
        "The vector before, and what was found: this model has no shortcut to add them.",
    ),
    "widen": ("c_fc", "Four times as many numbers: each measures one feature of the vector."),
    "act": ("act", "Features above 0 stay, those below are almost or wholly put out."),
    "narrow": ("c_proj", "What the features that are left add, as wide as the vector again."),
    "before": ("before", "The vector after the last block."),
    "normalized": ("one scale", "Less its mean, times its scale: mean 0, variance 1."),
    "after": ("times γ, plus β", "Each number stretched and shifted as was learnt."),
    "kept": ("as it is", "This model has no final norm: the vector goes on as it is."),
    "vector": ("the vector", "What the network has made of the text up to this token."),
    "rows": ("its fit", "Each token's own vector; multiplied number by number and added up."),
}
HOW_TO_READ = {
    "embeddings": "a token starts as the sum of two learnt vectors: one for what it is, one for "
    "where it stands. Each small square is one number: red above 0, blue below.",
    "attention": "in a block, tokens exchange what they know (attention), then each thinks by "
    "itself (MLP). The block is drawn once; the model has {n} built alike, with numbers of their "
    "own. Each small square is one number: red above 0, blue below; the number beside a name is "
    "the length of the vector.",
    "norm": "a norm brings every vector to the same scale, so that only its direction counts.",
    "logits": "a logit tells how well the vector fits a token's own: multiply the two number by "
    "number and add up. The ten best fits are shown; softmax makes probabilities of all.",
}
HOW_TO_READ["mlp"] = HOW_TO_READ["attention"]


def is_there(config: GPTConfig, stage: str) -> bool:
    """Whether a model has a stage that can be opened."""
    parts = {"attention": config.has_attention, "mlp": config.has_mlp}
    return parts.get(stage, stage in OPENED)


def open_stage(view: "View", position: int) -> dict[str, Any] | None:
    """The stage that is open, as the browser draws it, with its numbers for one token; or None."""
    stage = choices.picked("open", (CLOSED, *OPENED))
    if not is_there(view.lm.config, stage):
        return None
    layer = _layer(view, stage)
    colours = PALETTES[view.scheme]
    return {
        "stage": stage,
        "layer": layer,
        "layers": view.lm.config.n_layer if stage in ("attention", "mlp") else 0,
        "steps": [_step(step) for step in _steps(view, stage, position, layer)],
        "signed": list(colours.diverging),
        "amounts": [list(map(int, rgb)) for rgb in colour_table(view.scheme)[::17]],
    }


def choose_stage(chosen: dict[str, Any]) -> None:
    """Open the stage that was clicked, of the block that was clicked; without one, close it."""
    st.session_state["open"] = str(chosen.get("stage", CLOSED))
    if "layer" in chosen:
        choices.pick("layer", int(chosen["layer"]))


def explain(view: "View", position: int, stage: str) -> None:
    """What the open stage shows in words, its numbers, and the code that makes them."""
    layer = _layer(view, stage)
    steps = _steps(view, stage, position, layer)
    names = {"embeddings": "embed", "norm": "ln_f", "logits": "logits"}
    n_layer = view.lm.config.n_layer
    width = view.lm.config.vocab_size if stage == "logits" else view.lm.config.n_embd
    how_to_read = HOW_TO_READ[stage].format(n=n_layer)
    if steps[0].kind == "kept":
        how_to_read = "this model has no final norm: the vector goes on as it is."
    show.source(names.get(stage, f"h.{layer}"), (width,), how_to_read)
    show.numbers(
        table_of(steps),
        "inside",
        view.code(
            inside,
            "from gptviz.inside import table_of",
            f"table = table_of(inside(lm, trace, {stage!r}, {position}, {layer}))",
        ),
    )


def _layer(view: "View", stage: str) -> int:
    """Which block is open; 0 for the other stages, which have none."""
    if stage not in ("attention", "mlp"):
        return 0
    layer = clicked("layer", view.lm.config.n_layer, 0)
    st.session_state["layer"] = layer  # so that it goes along to other pages
    return layer


def _steps(view: "View", stage: str, position: int, layer: int) -> list[Operation]:
    return look.look(inside, view.lm, view.trace, stage, position, layer)


def _step(step: Operation) -> dict[str, Any]:
    title, about = STEPS[step.kind]
    parts = (
        [_weights(part) for part in step.parts]
        if step.kind == "heads"
        else [_cells(part) for part in step.parts]
    )
    return {"kind": step.kind, "half": step.half, "title": title, "about": about, "parts": parts}


def _weights(part: Part) -> dict[str, Any]:
    return {"name": part.name, "weights": exact(part.values)}


def _cells(part: Part) -> dict[str, Any]:
    """Each number as one signed byte, in parts of the largest: exact enough for a colour."""
    largest = float(part.values.flat[part.largest_at])
    levels = np.round(part.values / (abs(largest) or 1.0) * 127).astype(np.int8)
    return {
        "name": part.name,
        "shape": list(part.values.shape),
        "length": part.length,
        "largest": largest,
        "largestAt": part.largest_at,
        "facts": {name: float(number) for name, number in part.facts.items()},
        "cells": base64.b64encode(levels.tobytes()).decode(),
    }
