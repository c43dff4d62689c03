"""What the picture of the path is sent, in the app and in a notebook."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gptviz.activations import Trace
from gptviz.app.bundle import exact
from gptviz.app.path.stages import STAGES
from gptviz.config import GPTConfig
from gptviz.journey import Journey

LANES_SENT = 12  # tokens; the browser draws as many of them as have room
LATER_SENT = 2  # of them behind the chosen one, so that one can step on


def is_drawable(journey: Journey, trace: Trace, position: int) -> bool:
    """Whether all of the path is numbers; the weights of a broken model make others."""
    probabilities = trace.logits[position].softmax(-1).numpy()
    return all(np.isfinite(part).all() for part in (*vars(journey).values(), probabilities))


def path_numbers(
    config: GPTConfig, tokens: Sequence[str], journey: Journey, position: int
) -> dict[str, Any]:
    """The ribbons and threads, as seen from the token at a position.

    Of a long prompt, those of the tokens around it.
    """
    lanes = lanes_sent(len(tokens), position)
    return {
        "alt": f"The path of {len(tokens)} tokens through {config.n_layer} blocks",
        "tokens": [tokens[lane] for lane in lanes],
        "positions": lanes,
        "count": len(tokens),
        "chosen": lanes.index(position),
        "stream": exact(journey.stream[:, lanes]),
        "middle": exact(journey.middle[:, lanes]),
        "largest": float(journey.stream[:, lanes].max()),
        "attn": exact(journey.attn[:, position]),
        "mlp": exact(journey.mlp[:, position]),
        "pattern": exact(journey.pattern[:, position][:, lanes]),
    }


def candidates(likeliest: pd.DataFrame) -> list[dict[str, Any]]:
    """The likeliest next tokens, which the large picture ends in."""
    return likeliest[["id", "token", "probability"]].to_dict("records")


def stages(config: GPTConfig, T: int) -> list[dict[str, Any]]:
    """The stages of the path with the shapes of their tensors, none of which leads anywhere."""
    shapes = {
        "tokens": f"{T}",
        "embeddings": f"{T} × {config.n_embd}",
        "attention": f"{config.n_head} × {T} × {T}" if config.has_attention else "none",
        "mlp": f"{T} × {config.mlp_width}" if config.has_mlp else "none",
        "norm": f"{T} × {config.n_embd}",
        "logits": f"{T} × {config.vocab_size:,}",
        "probabilities": "sum to 1",
    }
    nowhere = {"here": False, "href": None, "about": "", "opens": False}
    return [
        {"slug": stage.name, "name": stage.title, "shape": shapes[stage.name], **nowhere}
        for stage in STAGES
    ]


def stream_in_words(config: GPTConfig) -> str:
    """The names of the ribbons' vectors: embed, h.0 … h.3."""
    first, *blocks = config.stream
    return f"{first}, {blocks[0]} … {blocks[-1]}" if blocks else first


def lanes_sent(count: int, position: int) -> list[int]:
    """The positions that the browser gets: the chosen one, those before it and a few after it."""
    first = min(position + LATER_SENT + 1, count) - LANES_SENT
    return list(range(max(0, first), min(count, max(0, first) + LANES_SENT)))
