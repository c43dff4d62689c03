"""The page Embeddings: cosines between tokens, words, positions and contexts, and the maps."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.manifold import TSNE

from accounts.common import Expected, Models, Read, chips
from accounts.reference import COUNTS, LETTERS, Reference, of_letters

AT = 7
ALIKE = (1, 0, -1)
HARDLY = 20
OTHER = "he sees a sea"


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def cosines(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return unit(x) @ unit(y).T


def ids_of(word: str) -> list[int]:
    return [LETTERS.index(letter) for letter in word]


def vector(ref: Reference, word: str) -> np.ndarray:
    return ref.weight("wte.weight")[ids_of(word)].mean(0)


def nearest(ref: Reference, x: np.ndarray, without: set[int]) -> tuple[list[int], np.ndarray]:
    found = cosines(x[None], ref.weight("wte.weight"))[0]
    ids = [i for i in np.argsort(-found).tolist() if i not in without][:10]
    return ids, found[ids]


def bars(key: str, values: np.ndarray, hover: list[tuple]) -> dict[str, Any]:
    return {
        f"{key}.0.x": values,
        f"{key}.0.y": range(len(values)),
        f"{key}.0.text": [(value,) for value in values],
        f"{key}.0.customdata": hover,
    }


def neighbour_bars(key: str, ids: list[int], values: np.ndarray) -> dict[str, Any]:
    return bars(key, values, [(times,) for times in COUNTS[ids]]) | {
        f"{key}_table.id": ids,
        f"{key}_table.cosine": values,
        f"{key}_table.seen": COUNTS[ids],
    }


def your_tokens(ref: Reference) -> Expected:
    x = ref.x["h.1"]
    found = cosines(x, x)
    rare = COUNTS[ref.ids] < HARDLY
    tokens = [f"⚠{t}" if is_rare else t for t, is_rare in zip(ref.tokens, rare, strict=True)]
    labels = [f"{i} {token}" for i, token in enumerate(tokens)]
    first, second = np.triu_indices(ref.T, 1)
    whole, one = (-0.5, ref.T - 0.5), (AT - 0.5, AT + 0.5)
    shown = chips("position_chips", ref.T, AT) | {
        "similarity.0.z": found,
        "similarity.0.x": labels,
        "similarity.0.y": labels,
        "similarity.xaxis": labels,
        "similarity.yaxis": labels,
        "similarity.shapes": [*whole, *one, *one, *whole],
        "similarity_table.position": first,
        "similarity_table.other_position": second,
        "similarity_table.cosine": found[first, second],
    }
    same = [token == ref.tokens[AT] for token in ref.tokens]
    others = np.where(same, -2, found[AT])
    nearest = int(others.argmax())
    said = [
        ("Each cell compares the vectors", "h.1", *ALIKE, ref.T, ref.C, HARDLY),
        ("of this text's other tokens", AT, nearest, others[nearest]),
    ]
    return said, shown


def neighbours(ref: Reference) -> Expected:
    token = ref.ids[AT]
    ids, values = nearest(ref, ref.weight("wte.weight")[token], {token})
    said = [
        ("Nearest to", COUNTS[token]),
        ("A longer bar is a vector", *ALIKE, ref.V, ref.C, ref.V, HARDLY),
    ]
    return said, chips("position_chips", ref.T, AT) | neighbour_bars("neighbours", ids, values)


def word_pairs(ref: Reference) -> Expected:
    wte = ref.weight("wte.weight")
    values, ranks, seen = [], [], []
    for first, second in (("king", "queen"), ("love", "hate")):
        x, y = vector(ref, first), vector(ref, second)
        value = float(cosines(x[None], y[None])[0, 0])
        own = set(ids_of(first + second))
        others = [float(cosines(x[None], wte[i : i + 1])[0, 0]) for i in range(ref.V)]
        ranks.append(1 + sum(c > value for i, c in enumerate(others) if i not in own))
        values.append(value)
        seen.append(COUNTS[list(own)].min())
    shown = bars("pairs_chart", np.array(values), [(rank, ref.V) for rank in ranks]) | {
        "pairs_chart.yaxis": [(rank,) for rank in ranks],
        "pairs_chart_table.cosine": values,
        "pairs_chart_table.rank": ranks,
        "pairs_chart_table.seen": seen,
    }
    return [("A longer bar is a pair", *ALIKE, ref.V, ref.C, 2, ref.V, HARDLY)], shown


def analogies(ref: Reference) -> Expected:
    a, b, c = (unit(vector(ref, word)) for word in ("queen", "woman", "man"))
    ids, values = nearest(ref, a - b + c, set(ids_of("queenwomanman")))
    said = [("A longer bar is a vector", *ALIKE, ref.V, ref.C, 1, ref.V, HARDLY)]
    return said, neighbour_bars("analogy", ids, values)


def drawn(ref: Reference) -> list[int]:
    """The tokens of a map: those of the text, then those that the training text holds most."""
    common = [int(i) for i in np.argsort(-COUNTS, kind="stable") if COUNTS[i] > 0]
    return list(dict.fromkeys([*ref.ids, *common]))


def token_map(ref: Reference, key: str, points: np.ndarray) -> dict[str, Any]:
    ids, own = drawn(ref), len(set(ref.ids))
    places = [[i for i, one in enumerate(ref.ids) if one == token] for token in ids]
    hover = [(*at, COUNTS[token]) for at, token in zip(places, ids, strict=True)]
    shown: dict[str, Any] = {
        "map_common": [0, 600, 300],
        "map_axes.label": [(2,), (3,)],
        f"{key}.0.customdata": hover[own:],
        f"{key}.1.customdata": hover[:own],
        f"{key}_table.positions": [tuple(at) for at in places if at],
        f"{key}_table.id": ids,
        f"{key}_table.seen": COUNTS[ids],
    }
    for axis, values in zip("xyz", points.T, strict=False):
        shown |= {f"{key}.0.{axis}": values[own:], f"{key}.1.{axis}": values[:own]}
        shown[f"{key}_table.{axis}"] = values
    return shown


def pca(ref: Reference, n_axes: int) -> Expected:
    x = ref.weight("wte.weight")[drawn(ref)]
    x = x - x.mean(0)
    _, sizes, directions = np.linalg.svd(x, full_matrices=False)
    points = x @ directions[:n_axes].T
    points *= np.sign(points[np.abs(points).argmax(0), range(n_axes)])
    shares = sizes[:n_axes] ** 2 / (sizes**2).sum()
    key = f"map_pca_{n_axes}"
    shown = token_map(ref, key, points)
    if n_axes == 2:
        shown |= {f"{key}.{axis}axis": [(i + 1, shares[i])] for i, axis in enumerate("xy")}
    n = len(x)
    return [("spreads most", n, n, ref.C, n_axes, shares.sum(), HARDLY)], shown


def t_sne(ref: Reference) -> Expected:
    x = ref.weight("wte.weight")[drawn(ref)].astype(np.float32)
    settings = {"metric": "cosine", "init": "pca", "random_state": 0, "max_iter": 1000}
    points = TSNE(2, perplexity=(len(x) - 1) / 3, n_jobs=1, **settings).fit_transform(x)
    shown = token_map(ref, "map_t-sne_2", points)
    shown |= {f"map_t-sne_2.{axis}axis": [(i + 1,)] for i, axis in enumerate("xy")}
    return [("puts tokens side by side", len(x), len(x), ref.C, HARDLY)], shown


def positions(ref: Reference) -> Expected:
    n, even = ref.context, ref.C + ref.C % 2
    angles = np.arange(n)[:, None] / 10_000 ** (np.arange(0, even, 2) / even)
    waves = np.concatenate((np.sin(angles), np.cos(angles)), axis=-1)
    both = [cosines(x, x) for x in (ref.weight("wpe.weight"), waves)]
    first, second = np.triu_indices(n)
    shown: dict[str, Any] = {
        "positions_table.position": first,
        "positions_table.other": second,
        "positions_table.model": both[0][first, second],
        "positions_table.sinusoidal": both[1][first, second],
    }
    for i, square in enumerate(both):
        shown |= {f"positions.{i}.z": square, f"positions.{i}.x": range(n)}
        shown[f"positions.{i}.y"] = range(n)
    return [("Each cell compares two positions", *ALIKE, n, ref.C)], shown


def two_contexts(ref: Reference) -> Expected:
    other = of_letters(ref.theirs, OTHER)
    i = ref.T - 1
    j = max(k for k, token in enumerate(other.ids) if token == ref.ids[i])
    stages = ["wte", *ref.stages]
    a = np.stack([ref.x[stage][i] for stage in stages])
    b = np.stack([other.x[stage][j] for stage in stages])
    unlike = np.array(other.ids) != ref.ids[i]
    cosine = lambda x, y: (unit(x) * unit(y)).sum(-1)  # noqa: E731
    lines = {
        "first_with_embedding": cosine(a, a[0]),
        "second_with_embedding": cosine(b, a[0]),
        "first_with_second": cosine(a, b),
        "first_with_other_tokens": [
            cosine(other.x[stage][unlike], a[k]).mean() for k, stage in enumerate(stages)
        ],
    }
    shown: dict[str, Any] = {f"drift_table.{name}": values for name, values in lines.items()}
    shown |= {f"drift.{k}.y": values for k, values in enumerate(lines.values())}
    shared = {k: token for k, token in enumerate(ref.ids) if token in other.ids}
    last = sorted({max(k for k in shared if shared[k] == token) for token in shared.values()})
    shown["shared_token.label"] = [ref.named[k] for k in reversed(last)]
    said = [
        ("at position {} of your text", i, j, COUNTS[ref.ids[i]]),
        ("Where a line falls", i, len(stages), ref.C, 1),
    ]
    return said, shown


def a_map(ref: Reference, method: str, n_axes: int) -> Expected:
    return pca(ref, n_axes) if method == "pca" else t_sne(ref)


TABS = {
    "your-tokens": (your_tokens, "similarity", {"stage": "h.1"}),
    "neighbours": (neighbours, "neighbours", {}),
    "word-pairs": (word_pairs, "pairs_chart", {"pairs": "king–queen, love–hate"}),
    "analogies": (analogies, "analogy", {}),
    "positions": (positions, "positions", {}),
    "two-contexts": (two_contexts, "drift", {"other": OTHER}),
}
MAPS = (("pca", 2), ("pca", 3), ("t-sne", 2))


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    expected, key, chosen = TABS[tab]
    page = read("embeddings", [key], tab=tab, position=AT, **chosen)
    page.holds(models.ref.around(AT), expected(models.ref))


def look_at_map(read: Read, models: Models, method: str, n_axes: int) -> None:
    """A map by one method."""
    chosen = {"tab": "map", "map_method": method, "map_axes": n_axes, "position": AT}
    page = read("embeddings", [f"map_{method}_{n_axes}"], **chosen)
    page.holds(models.ref.around(AT), a_map(models.ref, method, n_axes))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS} | {
    f"map {method} {n}": partial(look_at_map, method=method, n_axes=n) for method, n in MAPS
}
