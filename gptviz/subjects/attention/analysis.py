"""What attention patterns say: measures of a head, and the arithmetic behind one row.

A pattern (…, T, T) holds weights from 0 to 1: row i is the query, the token that looks; column j
is the key, the token looked at; a row sums to 1 and is 0 beyond i. A measure gives one value a
row, (…, T), and not-a-number where it means nothing; `per_head` makes one number of them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.config import GPTConfig


def patterns(trace: Trace) -> Tensor:
    """The patterns of all heads of all layers, (n_layer, H, T, T), in a tensor of their own.

    Raises ValueError if none was recorded.
    """
    trace.config.require_attention()
    n_layer = sum(name.endswith(".attn.pattern") for name in trace)
    if not n_layer:
        raise ValueError(
            "this trace holds no attention pattern; record it with names=['h.*.attn.pattern']"
        )
    return torch.stack([trace[f"h.{i}.attn.pattern"] for i in range(n_layer)])


def require_head(config: GPTConfig, layer: int, head: int) -> None:
    """Raise ValueError, in words, for a head that a model does not have."""
    config.require_attention()
    for name, value, count in (("layer", layer, config.n_layer), ("head", head, config.n_head)):
        if not 0 <= value < count:
            raise ValueError(f"{name} is {value}; this model has {count}, counted from 0")


def entropy(pattern: Tensor) -> Tensor:
    """How widely each row is spread, (…, T) in nats: −Σ p ln p (Shannon, 1948), with 0 ln 0 = 0.

    0: all weight on one token; ln n: n tokens share it equally.
    """
    return torch.special.entr(pattern).sum(-1)


def normalised_entropy(pattern: Tensor) -> Tensor:
    """The entropy of row i ÷ ln(i + 1), the most that i + 1 visible tokens allow: 0 to 1, (…, T).

    Not-a-number in row 0, which sees only itself.
    """
    visible = torch.arange(1, pattern.size(-1) + 1, device=pattern.device)
    return (entropy(pattern) / visible.log()).masked_fill(_first(pattern), math.nan)


def to_previous(pattern: Tensor) -> Tensor:
    """The weight that each row gives to the token just before it, (…, T); row 0 has none."""
    before = pattern.diagonal(-1, -2, -1)
    return torch.cat((before.new_full((*before.shape[:-1], 1), math.nan), before), dim=-1)


def to_first(pattern: Tensor) -> Tensor:
    """The weight that each row gives to token 0, (…, T).

    Not-a-number in row 0, which has nothing else to look at. Many heads rest there when they
    find nothing (the "attention sink" of Xiao et al., 2023).
    """
    return pattern[..., 0].masked_fill(_first(pattern), math.nan)


def induction(pattern: Tensor, ids: Sequence[int]) -> Tensor:
    """The weight on tokens that followed an earlier copy of the row's own token, (…, T).

    For row i that is the sum over all k < i with ids[k − 1] = ids[i]: what came next last time
    (Elhage et al., 2021; the prefix matching score of Olsson et al., 2022). Not-a-number where
    there is no such k; so everywhere, if the prompt repeats nothing. Raises ValueError if the
    ids are not as many as the rows.
    """
    T = pattern.size(-1)
    if len(ids) != T:
        raise ValueError(f"{len(ids)} ids came for a pattern of {T} tokens; give one for each")
    token = torch.tensor(ids, device=pattern.device)
    follows = torch.zeros(T, T, dtype=torch.bool, device=pattern.device)
    follows[:, 1:] = token.unsqueeze(1) == token[:-1]
    follows = follows.tril(-1)
    return (pattern * follows).sum(-1).masked_fill(~follows.any(-1), math.nan)


def per_head(rows: Tensor) -> Tensor:
    """The mean of a measure over the rows in which it means something, (…); else not-a-number."""
    return rows.nanmean(-1)


def without_first(pattern: Tensor) -> Tensor:
    """Hide token 0 and renormalise: its column becomes 0, and each row sums to 1 again.

    It is no longer what the model computed. A row with nothing left is NaN: row 0, and
    any row that gave token 0 all its weight.
    """
    rest = pattern.masked_fill(_first(pattern), 0.0)
    return rest / rest.sum(-1, keepdim=True)


def mean_over_heads(pattern: Tensor) -> Tensor:
    """The mean of the heads' patterns (H, T, T) → (T, T); its rows sum to 1 as well."""
    return pattern.mean(-3)


def maximum_over_heads(pattern: Tensor) -> Tensor:
    """The largest weight that any head gives, (H, T, T) → (T, T); its rows can exceed 1."""
    return pattern.amax(-3)


def head_measures(pattern: Tensor, ids: Sequence[int]) -> dict[str, Tensor]:
    """Every measure of every head by name, (n_layer, H) each: means over rows, see `per_head`.

    Entropy is in nats; the others lie between 0 and 1. Raises ValueError if the ids are not as
    many as the rows.
    """
    rows = {
        "entropy": entropy(pattern),
        "normalised entropy": normalised_entropy(pattern),
        "previous token": to_previous(pattern),
        "first token": to_first(pattern),
        "induction": induction(pattern, ids),
    }
    return {name: per_head(values) for name, values in rows.items()}


def head_table(measures: Mapping[str, Tensor]) -> pd.DataFrame:
    """One row a head: layer, head, and a column for each measure (n_layer, H)."""
    n_layer, n_head = next(iter(measures.values())).shape
    place = {
        "layer": np.repeat(np.arange(n_layer), n_head),
        "head": np.tile(np.arange(n_head), n_layer),
    }
    return pd.DataFrame(place | {name: m.flatten().numpy() for name, m in measures.items()})


def pattern_table(pattern: Tensor, tokens: Sequence[str]) -> pd.DataFrame:
    """One row for each query and each key that it can see: positions, pieces and weight."""
    query, key = np.tril_indices(len(tokens))
    pieces = np.array(tokens, dtype=object)
    return pd.DataFrame(
        {
            "query": query,
            "query piece": pieces[query],
            "key": key,
            "key piece": pieces[key],
            "weight": pattern.numpy()[query, key],
        }
    )


def shrunk(pattern: Tensor, longest: int) -> tuple[Tensor, int]:
    """Patterns with at most `longest` rows and columns, and how many tokens share one of them.

    Each value is the largest weight in a square block, so that no strong weight is lost.
    Raises ValueError if longest is not above 0.
    """
    if longest < 1:
        raise ValueError(f"longest is {longest}; it must be at least 1")
    side = -(-pattern.size(-1) // longest)
    if side == 1:
        return pattern, 1
    pad = -pattern.size(-1) % side
    whole = torch.nn.functional.pad(pattern.nan_to_num(0.0), (0, pad, 0, pad))
    return whole.unflatten(-1, (-1, side)).unflatten(-3, (-1, side)).amax((-3, -1)), side


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How one head makes the output of one query, with every number on the way.

    All of it is computed again from q, k and v; `error` is the distance from the trace.
    """

    table: pd.DataFrame  # one row a key; see `arithmetic`
    weighted: np.ndarray  # (T, d) weight × value of each key
    z: np.ndarray  # (d,) their sum: what the head hands on
    error: float  # largest difference from the trace's scores, pattern and z; a share above 1


def arithmetic(trace: Trace, layer: int, head: int, query: int) -> Arithmetic:
    """Follow softmax(q·k / √d)·v (Vaswani et al., 2017, section 3.2.1) for one query.

    Columns of the table: position and piece of the key; q·k; q·k ÷ √d; masked (the key comes
    after the query); weight (softmax over the keys that are not masked); |v| and weight × |v|
    (lengths of vectors). Raises ValueError for a query that the prompt does not have, and for a
    head that does not exist.
    """
    require_head(trace.config, layer, head)
    T = len(trace.ids)
    if not 0 <= query < T:
        raise ValueError(f"there is no token {query}; the positions run from 0 to {T - 1}")
    at = f"h.{layer}.attn"
    q, k, v = (trace[f"{at}.{name}"][head] for name in "qkv")  # (T, d) each
    product = k @ q[query]  # (T,)
    scaled = product / trace.config.attn_divisor(layer)
    masked = torch.arange(T, device=q.device) > query
    scores = scaled.masked_fill(masked, -math.inf)
    weight = scores.softmax(-1)
    weighted = weight.unsqueeze(-1) * v  # (T, d)
    z = weighted.sum(0)
    table = pd.DataFrame(
        {
            "position": np.arange(T),
            "piece": trace.tokens,
            "q·k": product.numpy(),
            "q·k ÷ √d": scaled.numpy(),
            "masked": masked.numpy(),
            "weight": weight.numpy(),
            "|v|": v.norm(dim=-1).numpy(),
            "weight × |v|": weighted.norm(dim=-1).numpy(),
        }
    )
    seen = slice(query + 1)
    error = max(
        _distance(scores[seen], trace[f"{at}.scores"][head, query, seen]),
        _distance(weight, trace[f"{at}.pattern"][head, query]),
        _distance(z, trace[f"{at}.z"][head, query]),
    )
    return Arithmetic(table, weighted.numpy(), z.numpy(), error)


def weighted_table(result: Arithmetic, tokens: Sequence[str]) -> pd.DataFrame:
    """Weight × value of each key that is not masked, and z: a row each, a column a dimension."""
    n = int((~result.table["masked"]).sum())
    rows = np.vstack((result.weighted[:n], result.z))
    table = pd.DataFrame(rows, columns=[str(i) for i in range(len(result.z))])
    table.insert(0, "key", [f"{i} {piece}" for i, piece in enumerate(tokens[:n])] + ["sum = z"])
    return table


def _first(pattern: Tensor) -> Tensor:
    return torch.arange(pattern.size(-1), device=pattern.device) == 0


def _distance(ours: Tensor, traced: Tensor) -> float:
    return float(((ours - traced).abs() / traced.abs().clamp(min=1)).max())
