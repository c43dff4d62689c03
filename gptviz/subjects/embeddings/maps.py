"""Token embeddings as points, made once for all browsers.

A t-SNE takes seconds, so it runs in a process of its own, and a slider that another browser moves
does not wait for it. One runs at a time; a run that the user has superseded ends its own.
"""

import threading
import time
from collections.abc import Hashable

import numpy as np
import streamlit as st
from cachetools import LRUCache

from gptviz.app import allowance
from gptviz.app.look import end_if_superseded, look
from gptviz.language_model import LanguageModel
from gptviz.subjects.embeddings import map_analysis
from gptviz.subjects.embeddings.map_analysis import Projection

_maps: LRUCache[Hashable, Projection] = LRUCache(64)
_maps_lock = threading.Lock()
_turn = threading.BoundedSemaphore(1)


def pca(lm: LanguageModel, ids: tuple[int, ...], n_axes: int) -> Projection:
    """The vectors of tokens on the axes along which they spread most.

    Raises ValueError for vectors that are not numbers.
    """
    return look(map_analysis.pca, _vectors(lm, ids), n_axes)


def tsne(lm: LanguageModel, ids: tuple[int, ...], n_axes: int) -> Projection:
    """The vectors of tokens as points of which near ones are alike; its progress is shown.

    Raises ValueError for vectors that are not numbers.
    """
    key = (lm.digest, ids, n_axes)
    vectors = _vectors(lm, ids)
    progress = st.empty()
    found = _known(key)
    while found is None and not _turn.acquire(timeout=0.1):
        end_if_superseded()
        progress.progress(0.0, "Another browser's map comes first …")
        found = _known(key)
    if found is None:
        try:
            found = _known(key)
            if found is None:
                with allowance.charged(time.monotonic), map_analysis.tsne(vectors, n_axes) as job:
                    last = map_analysis.ITERATIONS
                    while job.running(0.1):
                        step = f"t-SNE: step {job.iteration} of {last}"
                        words = step if job.iteration else "t-SNE: it starts"
                        progress.progress(min(1.0, job.iteration / last), words)
                    found = job.result()
                with _maps_lock:
                    _maps[key] = found
        finally:
            _turn.release()
    progress.empty()
    return found


def _known(key: Hashable) -> Projection | None:
    with _maps_lock:
        return _maps.get(key)


def _vectors(lm: LanguageModel, ids: tuple[int, ...]) -> np.ndarray:
    vectors = lm.model.wte.weight[list(ids)].numpy()
    if not np.isfinite(vectors).all():
        raise ValueError(
            "the vectors of these tokens are not all numbers, so they have no place on a map; "
            "choose another model, for the weights of this one are broken"
        )
    return vectors
