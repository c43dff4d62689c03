"""What the overview tells in numbers: the ranks of the next tokens, and the laws of this run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.language_model import LanguageModel


@dataclass(frozen=True)
class Check:
    """One law that the numbers of this run must obey."""

    law: str
    error: float  # the largest deviation found
    limit: float  # what float32 rounding may cost

    @property
    def holds(self) -> bool:
        """Whether the deviation is within the limit; NaN never is."""
        return self.error <= self.limit


def self_checks(lm: LanguageModel, trace: Trace) -> list[Check]:
    """Compare this very run with four laws of the network.

    Runs the model once more, without recording, for the third. The sum of parts does not hold in
    a network that normalises the stream itself (norm="post") or has no shortcuts, so it is left
    out there; and where there is no attention or no block, what would be said of it.
    """
    config, checks = lm.config, []
    if config.has_attention:
        patterns = torch.stack([trace[f"h.{i}.attn.pattern"] for i in range(config.n_layer)])
        rows = _largest(patterns.sum(-1) - 1)
        checks.append(Check("each row of an attention pattern sums to 1", rows, 1e-5))
    if config.norm != "post" and config.residual and config.n_layer:
        added = [trace[f"h.{i}.{part}"] for i in range(config.n_layer) for part in ("attn", "mlp")]
        last = trace[config.stream[-1]]
        difference = trace["embed"] + torch.stack(added).sum(0) - last
        scale = _largest(last) or 1.0
        error = _largest(difference) / scale
        law = "the residual stream equals the sum of its parts (as a share of its largest number)"
        checks.append(Check(law, error, 1e-5))
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


def _largest(x: Tensor) -> float:
    return float(x.abs().max())


def ranked(likeliest: pd.DataFrame, came: Mapping[str, Any] | None) -> pd.DataFrame:
    """The likeliest tokens with their ranks, and the one that came next, wherever it ranks.

    Columns: rank, token, came next (a mark, if any came), id, probability, logit. likeliest is
    what `likeliest_tokens` gives, came what `came_next` gives.
    """
    table = likeliest.copy()
    table.insert(0, "rank", range(1, len(table) + 1))
    if came is None:
        return table
    if came["id"] not in set(table["id"]):
        table = pd.concat([table, pd.DataFrame([came])[table.columns]], ignore_index=True)
    table.insert(2, "came next", ["✔" if token == came["id"] else "" for token in table["id"]])
    return table
