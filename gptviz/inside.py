"""The inside of one stage of the path: what happens there to the vector of one token.

All numbers are those of a trace; where a step has no activation of its own, the part says how it
is made of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from torch import Tensor

from gptviz.activations import Trace
from gptviz.journey import likeliest_tokens
from gptviz.language_model import LanguageModel
from gptviz.quoting import quoted

STAGES = ("embeddings", "attention", "mlp", "norm", "logits")  # those that can be opened


@dataclass(frozen=True, eq=False)
class Part:
    """One token's share of a tensor: a vector (C,), or one row a head (H, d)."""

    name: str  # as in a trace; h.0.attn.pattern[3] is one head's row, wte.weight[7] a token's
    values: np.ndarray
    facts: Mapping[str, float] = field(default_factory=dict)  # further numbers worth telling

    @property
    def length(self) -> float:
        """The norm of the vector, or of all rows as one."""
        return float(np.linalg.norm(self.values))

    @property
    def largest_at(self) -> int:
        """Which number is farthest from 0; rows count on."""
        return int(np.abs(self.values).argmax())


@dataclass(frozen=True, eq=False)
class Operation:
    """What is computed at once: a norm, queries with keys and values, a sum …"""

    kind: str
    half: str  # which part of the stage it belongs to: of a block, "attention" or "mlp"
    parts: tuple[Part, ...]


def inside(
    lm: LanguageModel, trace: Trace, stage: str, position: int, layer: int = 0
) -> list[Operation]:
    """The steps of a stage, in the order in which they are computed, for the token at a position.

    The stage is one of STAGES. Both halves of a block are told together, for "attention" and for
    "mlp"; the layer says of which block, and a part that the blocks do without has no steps. Raises
    ValueError for another stage, and for a block of a model that has none.
    """
    if stage not in STAGES:
        raise ValueError(f"the stage is {quoted(stage)}; it must be one of {', '.join(STAGES)}")
    if stage in ("attention", "mlp"):
        return _block(lm, trace, position, layer)
    return {"embeddings": _embeddings, "norm": _final_norm, "logits": _logits}[stage](
        lm, trace, position
    )


def table_of(steps: list[Operation]) -> pd.DataFrame:
    """The steps as a table, one row a part.

    Columns: step, name, shape, length (norm), largest_at and largest (the number that is farthest
    from 0, and where), and one for each further fact, empty where a part has none.
    """
    return pd.DataFrame(
        [
            {
                "step": step.kind,
                "name": part.name,
                "shape": " × ".join(map(str, part.values.shape)),
                "length": part.length,
                "largest_at": part.largest_at,
                "largest": float(part.values.flat[part.largest_at]),
                **part.facts,
            }
            for step in steps
            for part in step.parts
        ]
    )


def _part(trace: Trace, name: str, position: int, **facts: float) -> Part:
    return Part(name, _numbers(trace[name][..., position, :]), facts)


def _numbers(tensor: Tensor) -> np.ndarray:
    # A copy: a view would keep the whole trace in memory as long as these few numbers.
    return tensor.float().cpu().numpy().copy()


def _embeddings(_: LanguageModel, trace: Trace, position: int) -> list[Operation]:
    return [
        Operation(kind, "embeddings", (_part(trace, name, position),))
        for kind, name in (("token", "wte"), ("position", "wpe"), ("sum", "embed"))
    ]


def _block(lm: LanguageModel, trace: Trace, position: int, layer: int) -> list[Operation]:
    norm = lm.config.norm

    def part(name: str, **facts: float) -> Part:
        return _part(trace, f"h.{layer}.{name}", position, **facts)

    lm.config.require_blocks()
    before = _part(trace, lm.config.stream[layer], position)
    middle, after = part("resid_mid"), _part(trace, f"h.{layer}", position)
    # With norm="post" the sum itself goes through the norm: both are one step here.
    add = "add_norm" if norm == "post" else "add" if lm.config.residual else "replace"
    steps = []
    if lm.config.attention:
        weights = _numbers(trace[f"h.{layer}.attn.pattern"][:, position])  # (H, T)
        heads = (Part(f"h.{layer}.attn.pattern[{i}]", row) for i, row in enumerate(weights))
        steps += [
            Operation("norm", "attention", (part("ln_1"),)),
            Operation("qkv", "attention", (part("attn.q"), part("attn.k"), part("attn.v"))),
            Operation("heads", "attention", tuple(heads)),
            Operation("mix", "attention", (part("attn.z"), part("attn"))),
            Operation(add, "attention", (before, middle)),
        ]
    if lm.config.mlp:
        act = part("mlp.act")
        active = Part(act.name, act.values, {"above_0": int((act.values > 0).sum())})
        steps += [
            Operation("norm", "mlp", (part("ln_2"),)),
            Operation("widen", "mlp", (part("mlp.pre"),)),
            Operation("act", "mlp", (active,)),
            Operation("narrow", "mlp", (part("mlp"),)),
            Operation(add, "mlp", (middle, after)),
        ]
    return [step for step in steps if step.kind != "norm" or norm == "pre"]


def _final_norm(lm: LanguageModel, trace: Trace, position: int) -> list[Operation]:
    last = lm.config.stream[-1]
    if "ln_f.scale" not in trace:  # this model has no norm here: the vector goes on as it is
        return [Operation("kept", "norm", (_part(trace, "ln_f", position),))]
    mean = float(trace[last][position].mean())
    scale = float(trace["ln_f.scale"][position])
    return [
        Operation("before", "norm", (_part(trace, last, position, mean=mean, scale=scale),)),
        Operation("normalized", "norm", (_part(trace, "ln_f.normalized", position),)),
        Operation("after", "norm", (_part(trace, "ln_f", position),)),
    ]


def _logits(lm: LanguageModel, trace: Trace, position: int) -> list[Operation]:
    matrix = "wte.weight" if lm.config.tie_weights else "lm_head.weight"
    top = likeliest_tokens(lm, trace, position)
    rows = tuple(
        Part(f"{matrix}[{token}]", _numbers(lm.model.unembedding[token]), {"logit": logit})
        for token, logit in zip(top["id"].tolist(), top["logit"].tolist(), strict=True)
    )
    return [
        Operation("vector", "logits", (_part(trace, "ln_f", position),)),
        Operation("rows", "logits", rows),
    ]
