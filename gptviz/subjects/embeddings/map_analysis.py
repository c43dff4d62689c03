"""Maps: many vectors of C numbers as points in two or three dimensions."""

import io
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from gptviz import system
from gptviz.language_model import LanguageModel
from gptviz.subjects.embeddings.analysis import token_table
from gptviz.token_counts import Source, commonest

WORKER = Path(__file__).with_name("tsne_worker.py")
ITERATIONS = 1000
FEWEST = 5  # vectors that t-SNE can arrange
SEED = 0


@dataclass(frozen=True, eq=False)
class Projection:
    """Points that stand for vectors."""

    points: np.ndarray  # (N, n_components)
    explained: np.ndarray | None  # (n_components,) each axis's share of the variance; PCA only


def map_ids(lm: LanguageModel, ids: Sequence[int], n_common: int) -> tuple[list[int], Source]:
    """The distinct tokens of a prompt, then the commonest others; and how those were found."""
    common, source = commonest(lm, n_common)
    return list(dict.fromkeys([*ids, *common])), source


def map_table(
    lm: LanguageModel, prompt: Sequence[int], ids: Sequence[int], points: np.ndarray
) -> pd.DataFrame:
    """One row a token of a map: token, id, its positions in the prompt, and x, y (and z)."""
    table = token_table(lm, ids)
    places: dict[int, list[str]] = {}
    for position, token in enumerate(prompt):
        places.setdefault(token, []).append(str(position))
    table.insert(0, "positions", [", ".join(places.get(token, [])) for token in ids])
    return table.assign(**dict(zip("xyz", points.T, strict=False)))


def pca(vectors: np.ndarray, n_components: int) -> Projection:
    """The view of the vectors (N, C) from where they spread most (Pearson, 1901).

    The axes are orthogonal, in falling order of the variance that they show; `explained` gives
    its share of the whole. Where there are fewer directions than axes, the rest are zeros. The
    sign of an axis means nothing: its furthest point is made positive, so that it is always
    the same.
    """
    x = torch.from_numpy(vectors).double()
    centred = x - x.mean(0)
    # torch keeps to the number of threads that it was given; numpy's solver would not.
    variances, directions = torch.linalg.eigh(centred.T @ centred)
    kept = min(n_components, len(variances))
    variances, directions = variances.flip(0).clamp_min(0), directions.flip(1)
    points = np.zeros((len(vectors), n_components), dtype=np.float32)
    points[:, :kept] = (centred @ directions[:, :kept]).numpy()
    furthest = points[np.abs(points).argmax(0), range(n_components)]
    explained = np.zeros(n_components)
    if (total := float(variances.sum())) > 0:
        explained[:kept] = variances[:kept].numpy() / total
    return Projection(points * np.where(furthest < 0, -1, 1).astype(np.float32), explained)


class TSNE:
    """A t-SNE that runs in a process of its own (van der Maaten and Hinton, 2008).

    So nothing else in this process has to wait for it, and it can be ended at any moment.
    Near points were near as cosines go; the axes, and far distances, mean nothing.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", vectors: bytes):
        self._process = process
        self._lines: queue.Queue[bytes | None] = queue.Queue()
        self._last = b""
        self._ended = False
        self.iteration = 0
        threading.Thread(target=self._talk, args=(vectors,), daemon=True).start()

    def _talk(self, vectors: bytes) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it ended early; `result` says so
            self._process.stdin.write(vectors)
            self._process.stdin.close()
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def running(self, seconds: float) -> bool:
        """Wait that long for news, then say whether it goes on; `iteration` says how far it is."""
        if self._ended:
            return False
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return True
        if line is None:
            self._ended = True
            return False
        self._last = line
        if found := re.search(rb"Iteration (\d+)", line):
            self.iteration = int(found[1])
        return True

    def result(self) -> Projection:
        """Wait for the end; then the points. Raises ValueError in words if it failed."""
        while self.running(1.0):
            pass
        if self._process.wait() != 0:
            raise ValueError("t-SNE broke off; choose PCA, or fewer tokens")
        return Projection(np.array(json.loads(self._last), dtype=np.float32), None)


@contextmanager
def tsne(vectors: np.ndarray, n_components: int) -> Iterator[TSNE]:
    """Start a t-SNE of vectors (N, C), always from one seed; leaving the block ends it.

    Raises ValueError for fewer than 5 vectors.
    """
    if len(vectors) < FEWEST:
        raise ValueError(
            f"t-SNE needs at least {FEWEST} different tokens, not {len(vectors)}; choose PCA"
        )
    # -u sends each line at once; -P keeps the modules beside the worker from hiding others.
    settings = map(str, (n_components, ITERATIONS, SEED))
    command = [sys.executable, "-u", "-P", str(WORKER), *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = system.start_in_background(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    data = io.BytesIO()
    np.save(data, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
    try:
        yield TSNE(process, data.getvalue())
    finally:
        process.kill()
        process.wait()
