"""What `map_analysis.tsne` runs in a process of its own: vectors in, t-SNE's points out.

usage: python -u tsne_worker.py N_COMPONENTS ITERATIONS SEED, with the vectors as a .npy array
(N, C) on standard input. Standard output carries the library's own report of its iterations
and, as its last line, the points as JSON.
"""

import io
import json
import sys

import numpy as np
from sklearn.manifold import TSNE


def main() -> None:
    n_components, iterations, seed = map(int, sys.argv[1:])
    vectors = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    points = TSNE(
        n_components,
        perplexity=min(30.0, (len(vectors) - 1) / 3),
        metric="cosine",
        init="pca" if min(vectors.shape) >= n_components else "random",
        max_iter=iterations,
        random_state=seed,
        n_jobs=1,
        verbose=2,
    ).fit_transform(vectors)
    print(json.dumps(points.tolist()))


if __name__ == "__main__":
    main()
