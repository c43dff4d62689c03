"""The way of one prompt through the network, in few enough numbers to draw at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Journey:
    """Norms (lengths of vectors) and weights that show where a prompt goes; all from one trace."""

    stream: np.ndarray  # (n_layer + 1, T) norm of the residual stream: embed, then h.0, h.1, …
    middle: np.ndarray  # (n_layer, T) norm of the stream between attention and MLP: h.i.resid_mid
    attn: np.ndarray  # (n_layer, T) norm of what attention adds: h.i.attn
    mlp: np.ndarray  # (n_layer, T) norm of what the MLP adds: h.i.mlp
    # (n_layer, T, T) attention, the mean over the heads of h.i.attn.pattern; 0 without attention
    pattern: np.ndarray


def journey(lm: LanguageModel | Trace, trace: Trace) -> Journey:
    """The norms of the stream and of what is added to it, and the mean attention, by layer."""
    config, T = lm.config, len(trace.ids)

    def norms(part: str) -> np.ndarray:
        names = [f"h.{i}.{part}" for i in range(config.n_layer)]
        return _norms([trace[name] for name in names], T)

    means = (
        [trace[f"h.{i}.attn.pattern"].mean(0).numpy() for i in range(config.n_layer)]
        if config.attention
        else []
    )
    return Journey(
        stream=_norms([trace[name] for name in config.stream], T),
        middle=norms("resid_mid"),
        attn=norms("attn"),
        mlp=norms("mlp"),
        pattern=np.stack(means) if means else np.zeros((config.n_layer, T, T), np.float32),
    )


def journey_table(way: Journey, tokens: Sequence[str]) -> pd.DataFrame:
    """One row a token: its position, its piece, and the norm of the stream after each stage."""
    columns = ["embed", *(f"h.{i}" for i in range(len(way.attn)))]
    table = pd.DataFrame(way.stream.T, columns=columns)
    table.insert(0, "position", range(len(tokens)))
    table.insert(1, "token", list(tokens))
    return table


def likeliest_tokens(
    lm: LanguageModel | Trace, trace: Trace, position: int, n: int = 10
) -> pd.DataFrame:
    """The n likeliest tokens after a position, of the whole vocabulary.

    Columns: token (visible piece), id, probability (softmax over all V logits), logit.
    """
    logits = trace.logits[position]
    top = logits.topk(min(n, len(logits))).indices
    return pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(top.tolist()),
            "id": top.numpy(),
            "probability": logits.softmax(-1)[top].numpy(),
            "logit": logits[top].numpy(),
        }
    )


def came_next(trace: Trace, position: int) -> dict[str, Any] | None:
    """The token that the text has after a position, or None after its last one.

    token (visible piece), id, probability (softmax over all V logits), logit, and rank: 1 is the
    likeliest, and tokens that are equally likely have the same.
    """
    if position + 1 == len(trace.ids):
        return None
    logits, token = trace.logits[position], trace.ids[position + 1]
    return {
        "token": trace.tokens[position + 1],
        "id": token,
        "probability": float(logits.softmax(-1)[token]),
        "logit": float(logits[token]),
        "rank": int((logits > logits[token]).sum()) + 1,
    }


def _norms(vectors: list[Tensor], T: int) -> np.ndarray:
    """The lengths of vectors (T, C) each: a row for each, and none for no vectors."""
    rows = [x.norm(dim=-1).numpy() for x in vectors]
    return np.stack(rows) if rows else np.zeros((0, T), np.float32)
