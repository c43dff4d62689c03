"""The way of one prompt through the network, in few enough numbers to draw at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Journey:
    """Norms (lengths of vectors) and weights that show where a prompt goes; all from one trace."""

    stream: np.ndarray  # (n_layer + 1, T) norm of the residual stream: embed, then h.0, h.1, …
    attn: np.ndarray  # (n_layer, T) norm of what attention adds: h.i.attn
    mlp: np.ndarray  # (n_layer, T) norm of what the MLP adds: h.i.mlp
    pattern: np.ndarray  # (n_layer, T, T) attention, the mean over the heads of h.i.attn.pattern


def journey(lm: LanguageModel, trace: Trace) -> Journey:
    """The norms of the stream and of what is added to it, and the mean attention, by layer."""
    layers = range(lm.config.n_layer)
    stream = [trace["embed"], *(trace[f"h.{i}"] for i in layers)]
    return Journey(
        stream=_norms(stream),
        attn=_norms([trace[f"h.{i}.attn"] for i in layers]),
        mlp=_norms([trace[f"h.{i}.mlp"] for i in layers]),
        pattern=torch.stack([trace[f"h.{i}.attn.pattern"].mean(0) for i in layers]).numpy(),
    )


def journey_table(way: Journey, tokens: Sequence[str]) -> pd.DataFrame:
    """One row a token: its position, its piece, and the norm of the stream after each stage."""
    columns = ["embed", *(f"h.{i}" for i in range(len(way.attn)))]
    table = pd.DataFrame(way.stream.T, columns=columns)
    table.insert(0, "position", range(len(tokens)))
    table.insert(1, "token", list(tokens))
    return table


def likeliest_tokens(lm: LanguageModel, trace: Trace, position: int, n: int = 10) -> pd.DataFrame:
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


@dataclass(frozen=True)
class Check:
    """One law that the numbers of this run must obey."""

    law: str
    error: float  # the largest deviation found
    limit: float  # what float32 rounding may cost

    @property
    def holds(self) -> bool:
        """Whether the deviation is within the limit; not-a-number never is."""
        return self.error <= self.limit


def self_checks(lm: LanguageModel, trace: Trace) -> list[Check]:
    """Compare this very run with four laws of the network.

    Runs the model once more, without recording, for the third. The sum of parts is no law of a
    network that normalises the stream itself (norm="post"), so it is left out there.
    """
    patterns = torch.stack([trace[f"h.{i}.attn.pattern"] for i in range(lm.config.n_layer)])
    rows = _largest(patterns.sum(-1) - 1)
    checks = [Check("each row of an attention pattern sums to 1", rows, 1e-5)]
    if lm.config.norm != "post":
        added = [
            trace[f"h.{i}.{part}"] for i in range(lm.config.n_layer) for part in ("attn", "mlp")
        ]
        last = trace[f"h.{lm.config.n_layer - 1}"]
        difference = trace["embed"] + torch.stack(added).sum(0) - last
        scale = max(1.0, _largest(last))
        error = _largest(difference) / scale
        checks.append(Check("the residual stream equals the sum of its parts", error, 1e-5))
    with torch.inference_mode():
        unhooked = lm.model(torch.tensor([trace.ids], device=lm.model.wte.weight.device))[0]
    checks.append(
        Check(
            "watching changes nothing: logits with and without recording",
            _largest(trace.logits - unhooked),
            0.0,
        )
    )
    total = trace.logits.softmax(-1).sum(-1) - 1
    checks.append(Check("probabilities of all tokens sum to 1", _largest(total), 1e-4))
    return checks


def _norms(vectors: list[Tensor]) -> np.ndarray:
    return torch.stack([x.norm(dim=-1) for x in vectors]).numpy()


def _largest(x: Tensor) -> float:
    return float(x.abs().max())
