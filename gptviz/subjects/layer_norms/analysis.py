"""Layer norms (Ba, Kiros and Hinton, 2016): what one does to a vector, and what it is good for.

A layer norm takes the vector x (C,) of one token and returns γ · (x − mean) / √(variance + ε) + β,
where mean and variance are those of the C numbers in x, and γ and β (C,) were learnt. Of a norm
h.0.ln_1, h.0.ln_1.scale is 1/√(variance + ε) and h.0.ln_1.normalized what γ is multiplied with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.config import GPTConfig
from gptviz.language_model import LanguageModel
from gptviz.measures import kl_divergence
from gptviz.quoting import quoted
from gptviz.subjects.layer_norms import stream_analysis as stream

ERROR_LIMIT = 1e-5  # what float32 rounding may cost in one norm


def norm_names(config: GPTConfig) -> list[str]:
    """The norms of a model, in the order in which it computes them; none where norm="none"."""
    if config.norm == "none":
        return []
    of_block = [*(["ln_1"] if config.attention else []), *(["ln_2"] if config.mlp else [])]
    blocks = [f"h.{i}.{norm}" for i in range(config.n_layer) for norm in of_block]
    return blocks if config.norm == "post" else [*blocks, "ln_f"]


def _check(config: GPTConfig, norm: str) -> None:
    """Raise ValueError, with the names of those it has, unless the model has this norm."""
    known = norm_names(config)
    if not known:
        raise ValueError(f"this model has no layer norm {quoted(norm)}; it was built without any")
    if norm not in known:
        raise ValueError(f"this model has no layer norm {quoted(norm)}; it has {', '.join(known)}")


def summands(config: GPTConfig, norm: str) -> tuple[str, ...]:
    """The activations whose sum is a norm's input.

    With norm="pre" it is one: the residual stream at that point. With norm="post" they are two:
    the stream, and what attention or the MLP adds to it. Raises ValueError for a norm that the
    model does not have.
    """
    _check(config, norm)
    if norm == "ln_f":
        return (config.stream[-1],)
    _, number, kind = norm.split(".")
    i = int(number)
    stream, added = {
        "ln_1": (config.stream[i], f"h.{i}.attn"),
        "ln_2": (f"h.{i}.resid_mid", f"h.{i}.mlp"),
    }[kind]
    return (stream,) if config.norm == "pre" else (stream, added)


def norm_input(config: GPTConfig, trace: Trace, norm: str) -> Tensor:
    """What a norm was given in this run, (T, C). Raises ValueError as `summands` does."""
    first, *others = (trace[name] for name in summands(config, norm))
    return sum(others, first)


@dataclass(frozen=True, eq=False)
class ByHand:
    """One norm of one token: its numbers in this run, and the arithmetic between them."""

    table: pd.DataFrame  # one row a dimension; see `by_hand`
    moments: pd.DataFrame  # mean and variance of x, of x normalised, and of the norm's output
    epsilon: float
    scale: float  # 1/√(variance + ε) in this run
    error: float  # largest difference from what was recorded; a share of it where above 1

    @property
    def holds(self) -> bool:
        """Whether scale, normalized and the output are what the definition asks for."""
        return self.error <= ERROR_LIMIT


def by_hand(lm: LanguageModel, trace: Trace, norm: str, position: int) -> ByHand:
    """Follow one norm of one token step by step.

    Columns of the table: dimension; x; x − mean; ÷ √(var + ε) (normalized, as recorded); γ; × γ;
    β; + β (the result); recorded (what the model's module returned). The variance is the biased
    one: the mean of (x − mean)², divided by C and not by C − 1. The last row of the moments is
    that of the recorded output. Sums are those of double precision. Raises ValueError for a norm
    that the model does not have and a token that the prompt does not have.
    """
    T = len(trace.ids)
    if not 0 <= position < T:
        raise ValueError(f"there is no token {position}; the positions run from 0 to {T - 1}")
    x = norm_input(lm.config, trace, norm)[position].double()  # (C,)
    gamma, beta = _parameters(lm, norm)
    epsilon = lm.config.layer_norm_epsilon
    centred = x - x.mean()
    variance = centred.square().mean()
    scale, normalized, recorded = (
        trace[name][position].double() for name in (f"{norm}.scale", f"{norm}.normalized", norm)
    )
    scaled = normalized * gamma
    result = scaled + beta
    columns = {
        "x": x,
        "x − mean": centred,
        "÷ √(var + ε)": normalized,
        "γ": gamma,
        "× γ": scaled,
        "β": beta,
        "+ β": result,
        "recorded": recorded,
    }
    table = pd.DataFrame({name: column.numpy() for name, column in columns.items()})
    table.insert(0, "dimension", np.arange(len(x)))
    steps = {"before": x, "normalised": normalized, "after": recorded}
    moments = pd.DataFrame(
        {
            "step": list(steps),
            "mean": [float(values.mean()) for values in steps.values()],
            "variance": [float(values.var(unbiased=False)) for values in steps.values()],
        }
    )
    errors = (
        _difference((variance + epsilon).rsqrt(), scale),
        _difference(centred * scale, normalized),
        _difference(result, recorded),
    )
    return ByHand(table, moments, epsilon, float(scale), float(torch.stack(errors).max()))


def _difference(expected: Tensor, recorded: Tensor) -> Tensor:
    return ((expected - recorded).abs() / recorded.abs().clamp(min=1)).max()


def _parameters(lm: LanguageModel, norm: str) -> list[Tensor]:
    """γ and β, (C,) each, in double precision."""
    return [lm.model.get_parameter(f"{norm}.{name}").double() for name in ("weight", "bias")]


def parameter_table(lm: LanguageModel, norm: str) -> pd.DataFrame:
    """What a norm has learnt, one row a dimension: dimension, γ, β.

    Raises ValueError for a norm that the model does not have.
    """
    _check(lm.config, norm)
    gamma, beta = (column.numpy() for column in _parameters(lm, norm))
    return pd.DataFrame({"dimension": np.arange(len(gamma)), "γ": gamma, "β": beta})


def largest(table: pd.DataFrame, column: str, n: int = 8) -> pd.DataFrame:
    """The n rows of a table in which a column is farthest from 0, the farthest first."""
    order = table[column].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order[:n]]


@dataclass(frozen=True, eq=False)
class Likeliest:
    """The n likeliest next tokens at each position, with their probabilities in both runs."""

    ids: np.ndarray  # (T, n)
    before: np.ndarray  # (T, n) with the norm
    after: np.ndarray  # (T, n) without it


@dataclass(frozen=True, eq=False)
class LeftOut:
    """One prompt in the model as it is, and in the model without one of its norms."""

    norm: str
    before: stream.Stream
    after: stream.Stream
    divergence: np.ndarray  # (T,) nats; see `kl_divergence`
    likeliest_before: Likeliest
    likeliest_after: Likeliest


def leave_out(lm: LanguageModel, trace: Trace, norm: str, n: int = 10) -> LeftOut:
    """Run the model again with a norm that hands on its input untouched, and compare.

    trace must be a full one without edits: what the norm reads there is what it reads in the new
    run, because nothing before it changes. Raises ValueError for an unknown norm.
    """
    untouched = norm_input(lm.config, trace, norm)
    names = [*stream.stages(lm.config), "logits"]
    without = lm.trace(trace.ids, names=names, edits={norm: lambda _: untouched})
    n = min(n, lm.config.vocab_size)
    before, after = (run.logits.softmax(-1) for run in (trace, without))  # (T, V) each
    return LeftOut(
        norm=norm,
        before=stream.measure(lm.config, trace),
        after=stream.measure(lm.config, without),
        divergence=np.array([*map(kl_divergence, trace.logits, without.logits)]),
        likeliest_before=_likeliest(before.topk(n).indices, before, after),
        likeliest_after=_likeliest(after.topk(n).indices, before, after),
    )


def lengths_table(found: LeftOut, position: int) -> pd.DataFrame:
    """The length of one token's vector at each stage: stage, with the norm, without it."""
    return pd.DataFrame(
        {
            "stage": found.before.stages,
            "with": found.before.norm[:, position],
            "without": found.after.norm[:, position],
        }
    )


def divergence_table(found: LeftOut, tokens: Sequence[str]) -> pd.DataFrame:
    """How far the two guesses after each token are apart: position, token, KL divergence."""
    return pd.DataFrame(
        {
            "position": np.arange(len(tokens)),
            "token": list(tokens),
            "KL divergence (nats)": found.divergence,
        }
    )


def likeliest_table(lm: LanguageModel, likeliest: Likeliest, position: int) -> pd.DataFrame:
    """The likeliest next tokens at one position: token, id, probability with and without."""
    ids = likeliest.ids[position]
    return pd.DataFrame(
        {
            "token": lm.tokenizer.pieces(ids.tolist()),
            "id": ids,
            "with": likeliest.before[position],
            "without": likeliest.after[position],
        }
    )


def _likeliest(ids: Tensor, before: Tensor, after: Tensor) -> Likeliest:
    return Likeliest(*(x.numpy() for x in (ids, before.gather(-1, ids), after.gather(-1, ids))))
