"""Attention patterns of two sides: weight by weight, and how far each head is apart."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.subjects.compare.analysis import require_numbers


def pattern_difference(trace: Trace, other: Trace, layer: int, head: int) -> Tensor:
    """How much more each token looks at each other on the right, (T, T): right less left.

    Every row sums to 0. Raises ValueError for texts of different lengths, and for a layer or head
    that only one of the models has.
    """
    _require_equal_lengths(trace, other)
    for side, own in (("left", trace), ("right", other)):
        require_head(side, own, layer, head)
    name = f"h.{layer}.attn.pattern"
    return (other[name][head] - trace[name][head]).cpu()


def has_head(trace: Trace, layer: int, head: int) -> bool:
    """Whether the model of a trace has this layer and this head."""
    return (
        trace.config.has_attention and layer < trace.config.n_layer and head < trace.config.n_head
    )


def require_head(side: str, trace: Trace, layer: int, head: int) -> None:
    """Raise ValueError in words for a layer or head that the model of a side does not have."""
    if not has_head(trace, layer, head):
        trace.config.require_attention()
        raise ValueError(
            f"there is no L{layer} H{head} on the {side}, whose model has "
            f"{trace.config.n_layer} layers of {trace.config.n_head} heads"
        )


def head_distances(trace: Trace, other: Trace) -> Tensor:
    """The largest difference of any weight of each head that both models have, (layers, heads).

    From 0 to 1. Raises ValueError for texts of different lengths, and for what is no number.
    """
    for own in (trace, other):
        own.config.require_attention()
    _require_equal_lengths(trace, other)
    n_layer = min(trace.config.n_layer, other.config.n_layer)
    n_head = min(trace.config.n_head, other.config.n_head)
    rows = []
    for name in (f"h.{layer}.attn.pattern" for layer in range(n_layer)):
        rows.append((other[name][:n_head] - trace[name][:n_head]).abs().amax((-2, -1)).cpu())
    return require_numbers(torch.stack(rows))


def head_distance_table(distances: Tensor) -> pd.DataFrame:
    """One row a head: layer, head, largest_difference."""
    n_layer, n_head = distances.shape
    return pd.DataFrame(
        {
            "layer": np.repeat(np.arange(n_layer), n_head),
            "head": np.tile(np.arange(n_head), n_layer),
            "largest_difference": distances.ravel().numpy(),
        }
    )


def weight_table(trace: Trace, other: Trace, layer: int, head: int) -> pd.DataFrame:
    """The weights of one head on both sides, of texts of equal length.

    A row for each query and each key that it can see: query, key, left_query, left_key,
    right_query, right_key (pieces), left, right and difference. Raises ValueError as
    `pattern_difference` does.
    """
    difference = pattern_difference(trace, other, layer, head).numpy()
    query, key = np.tril_indices(len(trace.ids))
    pieces = {
        f"{side}_{place}": np.array(own.tokens, dtype=object)[at]
        for side, own in (("left", trace), ("right", other))
        for place, at in (("query", query), ("key", key))
    }
    left, right = (own[f"h.{layer}.attn.pattern"][head].cpu().numpy() for own in (trace, other))
    return pd.DataFrame(
        {
            **{"query": query, "key": key},
            **pieces,
            "left": left[query, key],
            "right": right[query, key],
            "difference": difference[query, key],
        }
    )


def weights_of_both(trace: Trace, other: Trace, layer: int, head: int) -> pd.DataFrame:
    """The weights of one head where two texts cannot be compared position by position.

    A row for each side, query and key: side, query, key, query_piece, key_piece, weight. A side
    whose model has no such layer or head has no rows. Raises ValueError if that is so of both,
    and for what is no number.
    """
    rows = []
    for side, own in (("left", trace), ("right", other)):
        if not has_head(own, layer, head):
            continue
        query, key = np.tril_indices(len(own.ids))
        pieces = np.array(own.tokens, dtype=object)
        weights = require_numbers(own[f"h.{layer}.attn.pattern"][head].cpu()).numpy()
        found = {
            **{"side": side, "query": query, "key": key},
            **{"query_piece": pieces[query], "key_piece": pieces[key]},
            "weight": weights[query, key],
        }
        rows.append(pd.DataFrame(found))
    if not rows:
        require_head("left", trace, layer, head)
    return pd.concat(rows, ignore_index=True)


def _require_equal_lengths(trace: Trace, other: Trace) -> None:
    if len(trace.ids) != len(other.ids):
        raise ValueError(
            f"the left text has {len(trace.ids)} tokens and the right one {len(other.ids)}; "
            f"a difference of patterns needs one token of each for every position"
        )
