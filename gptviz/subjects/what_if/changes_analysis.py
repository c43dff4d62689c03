"""A change as a few choices: what it edits, what it does to a prompt, and how Python writes it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from gptviz import measures
from gptviz.activations import Trace
from gptviz.config import GPTConfig
from gptviz.interventions import Progress
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings
from gptviz.subjects.what_if import analysis
from gptviz.subjects.what_if.analysis import Edits
from gptviz.subjects.what_if.writing_analysis import write

KINDS = (
    *("off", "scale", "mean", "uniform", "first-token", "token-before", "cut", "no-positions"),
    *("no-norm", "no-residual", "no-mask", "no-division"),
)
OF_A_PART = ("off", "scale", "mean")  # those that are done to one of PARTS
PARTS = ("head", "attn", "mlp", "layer")
PATTERNS: Mapping[str, Callable[[int], torch.Tensor]] = {
    "uniform": analysis.uniform_pattern,
    "first-token": analysis.first_token_pattern,
    "token-before": analysis.token_before_pattern,
}
LIKELIEST = 6  # tokens of each side that are compared


@dataclass(frozen=True)
class Change:
    """What is otherwise in a run. Which of the fields count depends on the kind."""

    kind: str  # one of KINDS
    part: str = "head"  # one of PARTS
    layer: int = 0
    head: int = 0
    factor: float = 0.0  # of "scale"
    norm: str = "ln_f"  # of "no-norm"
    query: int = 1  # of "cut": the token that may no longer look
    key: int = 0  # of "cut": at this one

    def edits(self, config: GPTConfig) -> Edits:
        """The edits that make the change, for one run. Raises ValueError in words."""
        if self._of_attention:
            config.require_attention()
        elif self.kind in OF_A_PART and self.part == "mlp":
            config.require_mlp()
        elif self.kind in OF_A_PART:
            config.require_blocks()
        match self.kind:
            case "off":
                return self._of_part(lambda name, head: analysis.scaled(name, 0.0, head))
            case "scale":
                return self._of_part(lambda name, head: analysis.scaled(name, self.factor, head))
            case "mean":
                return self._of_part(analysis.averaged)
            case "no-positions":
                return analysis.without_positions()
            case "no-norm":
                return analysis.without_norm(config, self.norm)
            case "no-residual":
                return analysis.without_residual(config, f"h.{self.layer}.{self.part}")
            case "no-mask":
                return analysis.without_mask(config, self.layer)
            case "no-division":
                return analysis.without_division(config, self.layer)
            case "cut":
                return analysis.cut(self.query, self.key)
        return analysis.with_pattern(self.layer, self.head, PATTERNS[self.kind])

    @property
    def looks_ahead(self) -> bool:
        """Whether the change at a token depends on later ones, or on where reading began."""
        return self.kind in ("mean", "cut", "no-mask")

    @property
    def _of_attention(self) -> bool:
        """Whether the change is of something that only a model with attention has."""
        if self.kind in OF_A_PART:
            return self.part in ("head", "attn")
        return self.kind not in ("no-positions", "no-norm", "no-residual")

    def _of_part(self, edit: Callable[[str, int | None], Edits]) -> Edits:
        block = f"h.{self.layer}"
        if self.part == "head":
            return edit(f"{block}.attn.z", self.head)
        names = ("attn", "mlp") if self.part == "layer" else (self.part,)
        return {name: e for part in names for name, e in edit(f"{block}.{part}", None).items()}


@dataclass(frozen=True, eq=False)
class Effect:
    """What a change does to a prompt, beside the run as it is."""

    table: pd.DataFrame  # likeliest next tokens of both runs: token, id, before, after
    kl: float  # in nats, from the distribution before to the one after
    loss_before: float  # mean −ln p of the prompt's tokens in nats; NaN for one token
    loss_after: float
    # (n_layer, H) the largest change of any weight of each head; without attention no row
    moved: np.ndarray


def effect(lm: LanguageModel, before: Trace, change: Change) -> Effect:
    """Run the prompt of a whole trace once more, with a change, and compare the two.

    Raises ValueError in words where the model cannot be changed so, or where what comes out is
    no numbers.
    """
    names = ["h.*.attn.pattern"] if lm.config.has_attention else []
    after = lm.trace(before.ids, [*names, "logits"], change.edits(lm.config))
    if not after.logits[-1].isfinite().all():
        raise ValueError(
            "with this change the model computes NaN (not a number), so there is nothing to "
            "compare; choose another change"
        )
    p, q = (trace.logits[-1].softmax(-1) for trace in (before, after))
    n = min(LIKELIEST, len(p))
    top = dict.fromkeys([*p.topk(n).indices.tolist(), *q.topk(n).indices.tolist()])
    table = pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(list(top)),
            "id": list(top),
            "before": [float(p[token]) for token in top],
            "after": [float(q[token]) for token in top],
        }
    )
    moved = [
        (after[name] - before[name]).abs().amax((-2, -1)).cpu().numpy()
        for name in after
        if name != "logits"
    ]
    return Effect(
        table=table,
        kl=float(measures.kl(before.logits[-1]).of(after.logits)),
        loss_before=_loss(before),
        loss_after=_loss(after),
        moved=np.stack(moved) if moved else np.empty((0, lm.config.n_head)),
    )


def _loss(trace: Trace) -> float:
    return float(measures.surprisal(trace.logits, trace.ids)[1:].mean())


def difference(
    lm: LanguageModel, before: Trace, change: Change, layer: int, head: int
) -> np.ndarray:
    """How much each weight of a head's pattern changes, (T, T): after less before."""
    lm.config.require_attention()
    name = f"h.{layer}.attn.pattern"
    after = lm.trace(before.ids, [name], change.edits(lm.config))
    return (after[name][head] - before[name][head]).cpu().numpy()


def written(
    lm: LanguageModel,
    ids: tuple[int, ...],
    change: Change | None,
    settings: SamplingSettings,
    seed: int,
    length: int,
    progress: Progress | None = None,
) -> tuple[int, ...]:
    """The ids that a run goes on to write, with a change or without one, with the same dice.

    A cut stays between the two tokens. Raises ValueError where nothing can be drawn any more.
    """
    found: list[int] = []

    def edits() -> Edits:
        return {} if change is None else change.edits(lm.config)

    looks_ahead = change is not None and change.looks_ahead
    steps = write(lm, ids, edits, length, settings, seed, looks_ahead)
    for step in steps:
        found.append(step.id)
        if progress is not None:
            progress(len(found), length)
    return tuple(found)


def written_table(
    lm: LanguageModel, before: tuple[int, ...], after: tuple[int, ...]
) -> pd.DataFrame:
    """Two written texts, a row a token: run (before or after), n, id, token."""
    rows = [
        (run, n, token, piece)
        for run, ids in (("before", before), ("after", after))
        for n, (token, piece) in enumerate(zip(ids, lm.tokenizer.pieces(list(ids)), strict=True))
    ]
    return pd.DataFrame(rows, columns=["run", "n", "id", "token"])


def difference_table(values: np.ndarray, tokens: Sequence[str]) -> pd.DataFrame:
    """A difference of patterns (T, T), a row for each weight: query, key, their tokens, change."""
    queries, keys = np.tril_indices(len(values))
    if np.triu(values, 1).any():  # without its mask, a head looks ahead
        queries, keys = (index.ravel() for index in np.indices(values.shape))
    named = np.array(tokens)
    return pd.DataFrame(
        {
            "query": queries,
            "key": keys,
            "query token": named[queries],
            "key token": named[keys],
            "change": values[queries, keys],
        }
    )


def head_effects(
    lm: LanguageModel,
    ids: tuple[int, ...],
    by: str,
    token: int | None = None,
    progress: Progress | None = None,
) -> torch.Tensor:
    """The effect of switching off each head, (n_layer, n_head), by "loss", "kl" or "likeliest".

    "likeliest" is the probability of a next token: of the one that is likeliest as it is, unless
    another is given.
    """
    measure: measures.AnyMeasure = by
    if by == "likeliest":
        if token is None:
            token = int(lm.trace(ids, ["logits"]).logits[-1].argmax())
        measure = measures.probability(token)
    return analysis.knock_out(lm, ids, measure, progress)


def head_effects_table(effects: torch.Tensor) -> pd.DataFrame:
    """One row a head: layer, head, effect."""
    n_layer, n_head = effects.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layer), n_head),
            "head": np.tile(np.arange(n_head), n_layer),
            "effect": effects.ravel().numpy(),
        }
    )
