"""What the browsers share on the embeddings page: look-ups in the vocabulary, and maps.

A t-SNE takes seconds, so it runs in a process of its own and leaves the slot for the processor
to whoever moves a slider. One runs at a time; a run that the user has superseded ends its own.
"""

import threading
from collections.abc import Hashable
from typing import Literal

import numpy as np
import pandas as pd
from cachetools import LRUCache
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from gptviz.analysis import embeddings, positions, projection
from gptviz.analysis.projection import Projection
from gptviz.language_model import LanguageModel
from gptviz.ui.resources import shared

Method = Literal["PCA", "t-SNE"]

_tables: LRUCache[Hashable, pd.DataFrame] = LRUCache(256)
_squares: LRUCache[Hashable, np.ndarray] = LRUCache(16)
_views: LRUCache[Hashable, Projection] = LRUCache(64)  # PCA
_maps: LRUCache[Hashable, Projection] = LRUCache(64)  # t-SNE
_maps_lock = threading.Lock()
_turn = threading.BoundedSemaphore(1)


def nearest(
    lm: LanguageModel, vector: Tensor, without: tuple[int, ...], n: int, waiting: DeltaGenerator
) -> pd.DataFrame:
    """The n tokens nearest to a vector, without some: a pass over the whole vocabulary."""
    key = ("nearest", lm.digest, vector.numpy().tobytes(), without, n)
    return shared(_tables, key, waiting, lambda: embeddings.nearest(lm, vector, n, without))


def pairs(
    lm: LanguageModel, words: tuple[tuple[str, str], ...], waiting: DeltaGenerator
) -> pd.DataFrame:
    """How alike the words of each pair are. Raises ValueError for a word that cannot be read."""
    key = ("pairs", lm.digest, words)
    return shared(_tables, key, waiting, lambda: embeddings.pair_table(lm, words))


def position_squares(lm: LanguageModel, waiting: DeltaGenerator) -> np.ndarray:
    """The cosines of the model's position vectors, and of sinusoidal ones, (2, N, N)."""
    key = ("positions", lm.digest)
    return shared(_squares, key, waiting, lambda: positions.similarity(lm))


def token_map(
    lm: LanguageModel, ids: tuple[int, ...], method: Method, n_axes: int, waiting: DeltaGenerator
) -> Projection:
    """Token embeddings as points. A t-SNE shows its progress in the place `waiting`.

    Raises ValueError for too few tokens for a t-SNE, and for vectors that are not numbers.
    """
    key = ("token_map", lm.digest, ids, method, n_axes)
    vectors = lm.model.wte.weight[list(ids)].numpy()
    if not np.isfinite(vectors).all():
        raise ValueError(
            "the vectors of these tokens are not all numbers, so they have no place on a map; "
            "choose another model, for the weights of this one are broken"
        )
    if method == "PCA":
        return shared(_views, key, waiting, lambda: projection.pca(vectors, n_axes))
    found = _known(key)
    while found is None and not _turn.acquire(timeout=0.1):
        waiting.progress(0.0, "Another browser's map comes first …")
        found = _known(key)
    if found is None:
        try:
            found = _known(key) or _arrange(vectors, n_axes, waiting)
            with _maps_lock:
                _maps[key] = found
        finally:
            _turn.release()
    waiting.empty()
    return found


def _known(key: Hashable) -> Projection | None:
    with _maps_lock:
        return _maps.get(key)


def _arrange(vectors: np.ndarray, n_axes: int, waiting: DeltaGenerator) -> Projection:
    with projection.tsne(vectors, n_axes) as job:
        last = projection.ITERATIONS
        try:
            while job.running(0.1):
                step = f"step {job.iteration} of {last}" if job.iteration else "it starts"
                waiting.progress(min(1.0, job.iteration / last), f"t-SNE: {step}")
            return job.result()
        finally:
            waiting.empty()
