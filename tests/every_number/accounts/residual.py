"""The page Residual stream: surprise, the logit lens, who wrote a logit, and what is added."""

import math
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read, below, chips, surprise, told
from accounts.reference import Reference, norm

AT = 7


def lens(ref: Reference) -> Expected:
    log_p = ref.lens
    p = np.exp(log_p.max(-1))
    apart = (np.exp(log_p[-1]) * (log_p[-1] - log_p)).sum(-1)
    rows, T = p.shape
    token = int(log_p[-1, AT].argmax())
    order = np.argsort(-log_p[-1, AT])[:10]
    rank = 1 + (log_p[:, AT] > log_p[:, AT, [token]]).sum(-1)
    own = np.exp(log_p[:, AT, token])
    shown = {
        "lens_board.columns": ref.named,
        "lens_board.ends": [(0,), (1,)],
        "lens_board.chosen": [rows - 1, AT],
        "lens_board.sent": p,
        "lens_table.position": [*range(T)] * rows,
        "lens_table.probability": p,
        "lens_table.divergence": apart,
        "cell_table.id": order,
        "cell_table.probability": np.exp(log_p[-1, AT, order]),
        "followed_way.0.y": own,
        "followed_way.1.y": rank,
        "followed_way.yaxis2": [(1,), (10,)],
        "followed_way_table.rank": rank,
        "followed_way_table.probability": own,
    }
    said = [
        ("After token {}", AT, told(p[-1, AT])),
        ("Each cell is the likeliest next token", rows, T, ref.V, 0, 2020),
        ("Above: the token's probability", 1, f"[{AT}, {token}]", rows),
    ]
    return said, shown


def parts_of(ref: Reference, token: int) -> dict[str, float]:
    """What each part adds to the logit of a token, in the order of computation."""
    x, d = ref.x, ref.d
    whole = x[f"h.{ref.L - 1}"][AT]
    direction = ref.weight("wte.weight")[token]
    scale = 1 / math.sqrt(whole.var() + 1e-5)
    gamma, beta = ref.weight("ln_f.weight"), ref.weight("ln_f.bias")

    def reaches(part: np.ndarray) -> float:
        return float(((part - part.mean()) * scale * gamma) @ direction)

    found = {name: reaches(x[name][AT]) for name in ("wte", "wpe")}
    bias = float(beta @ direction)
    for i in range(ref.L):
        weight = ref.weight(f"h.{i}.attn.c_proj.weight")
        for head, z in enumerate(x[f"h.{i}.attn.z"][:, AT]):
            found[f"h.{i}.attn.z.{head}"] = reaches(z @ weight[head * d : (head + 1) * d])
        bias += reaches(ref.weight(f"h.{i}.attn.c_proj.bias"))
        own = ref.weight(f"h.{i}.mlp.c_proj.bias")
        found[f"h.{i}.mlp"] = reaches(x[f"h.{i}.mlp"][AT] - own)
        bias += reaches(own)
    return {**found, "biases": bias}


def numbers_of(part: str) -> list[int]:
    """The numbers in a part's name as people say it: head 1 of layer 0."""
    match part.split("."):
        case ["h", layer, "attn", "z", head]:
            return [int(head), int(layer)]
        case ["h", layer, _]:
            return [int(layer)]
    return []


def parts(ref: Reference) -> Expected:
    logits = ref.x["logits"][AT]
    token = int(logits.argmax())
    found = parts_of(ref, token)
    best, worst = max(found, key=found.__getitem__), min(found, key=found.__getitem__)
    values = np.array([*found.values()])
    heads = np.array([value for name, value in found.items() if ".z." in name])
    layers, numbers = np.indices((ref.L, ref.H)).reshape(2, -1)
    limit = np.abs(heads).max()
    shown = {
        "parts.0.y": sorted(values.tolist(), key=abs, reverse=True),
        "parts_table.layer": [(numbers_of(name) or [-1])[-1] for name in found],
        "parts_table.logit": values,
        "head_board.ends": [(-limit,), (limit,)],
        "head_board.sent": heads,
        "heads_table.layer": layers,
        "heads_table.head": numbers,
        "heads_table.logit": heads,
    }
    n_parts = 3 + ref.L * (ref.H + 3)
    gains = (*numbers_of(best), found[best], *numbers_of(worst), found[worst])
    said = [
        ("gains most", *gains),
        ("A bar up speaks for", f"logits[{AT}, {token}]", n_parts, 2021),
        ("The parts sum to", logits[token], logits[token], below(1e-3)),
        ("A row a layer, a column a head", ref.L, ref.H),
    ]
    return said, shown


def added(ref: Reference) -> Expected:
    x, L = ref.x, ref.L
    final = x[f"h.{L - 1}"][AT]
    rows = []
    for i in range(L):
        before = x[f"h.{i - 1}" if i else "embed"][AT]
        rows.append((f"h.{i}.attn", before))
        rows.append((f"h.{i}.mlp", x[f"h.{i}.resid_mid"][AT]))
    lengths = np.array([norm(x[name][AT]) for name, _ in rows])

    def cosines(others: list[np.ndarray]) -> np.ndarray:
        both = zip((x[name][AT] for name, _ in rows), others, strict=True)
        return np.array([a @ b / norm(a) / norm(b) for a, b in both])

    stream, end = cosines([before for _, before in rows]), cosines([final] * len(rows))
    shown: dict[str, Any] = {
        "added_lengths.0.y": lengths[::2],
        "added_lengths.1.y": lengths[1::2],
        "added_directions.0.y": stream[::2],
        "added_directions.1.y": stream[1::2],
        "added_directions.2.y": end[::2],
        "added_directions.3.y": end[1::2],
        "added_lengths_table.layer": np.repeat(range(L), 2),
        "added_lengths_table.norm": lengths,
        "added_directions_table.layer": np.repeat(range(L), 2),
        "added_directions_table.norm": lengths,
        "added_directions_table.cosine_stream": stream,
        "added_directions_table.cosine_final": end,
    }
    most = int(lengths.argmax())
    names = (f"h.*.attn[{AT}]", f"h.*.mlp[{AT}]", 2 * L, ref.C)
    said = [
        ("adds the longest vector", *numbers_of(rows[most][0]), lengths[most], stream[most]),
        ("The longer the bar", *names),
        ("{} points the same way", 1, 0, -1, *names),
    ]
    return said, shown


TABS = {
    "surprise": lambda ref: surprise(ref, AT),
    "lens": lens,
    "parts": parts,
    "added": added,
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    numbers = ("surprise", "lens", "followed_way", "parts", "heads")
    page = read("residual", (*numbers, "added_lengths", "added_directions"), tab=tab, position=AT)
    page.holds(ref.around(AT), ([], chips("position_chips", ref.T, AT)), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
