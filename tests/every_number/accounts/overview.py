"""The overview: the path, what may come next, what came as a surprise, and every open stage."""

import math
from functools import partial

import numpy as np

from accounts.common import Expected, Models, Read, below, surprise
from accounts.reference import Reference, norm

AT, LAYER = 2, 1
KINDS = {
    "embeddings": ("token", "position", "sum"),
    "attention": (
        *("norm", "qkv", "qkv", "qkv", "heads", "heads", "heads", "mix", "mix", "add", "add"),
        *("norm", "widen", "act", "narrow", "add", "add"),
    ),
    "norm": ("before", "normalized", "after"),
    "logits": ("vector", *["rows"] * 10),
}


def overview(ref: Reference, at: int) -> Expected:
    """Everything but an open stage."""
    logits, log_p = ref.x["logits"][at], ref.log_p[at]
    top = np.argsort(-logits)[:10].tolist()
    came = ref.ids[at + 1]
    rank = 1 + int((logits > logits[came]).sum())
    listed = top if came in top else [*top, came]
    shape = (ref.L + 1, ref.T, ref.C)
    parts = {
        (layer, kind): norm(ref.x[f"h.{layer}.{kind}"])[at]
        for kind in ("attn", "mlp")
        for layer in range(ref.L)
    }
    longest = max(parts, key=parts.__getitem__)
    start, end = (norm(ref.x[stage])[at] for stage in ("embed", f"h.{ref.L - 1}"))
    lengths = (start, end, longest[0], parts[longest])
    said = [
        ("On its way, the vector of token", at, *lengths),
        ("Each ribbon is one token", "embed, h.0 … h.2", *shape),
        ("After token {}, out of all {}", at, ref.V),
        ("throw dice", 0.8, 40, 0),
        ("sums to {}", 1),
        ("probabilities of all tokens sum to {}", 1),
        *(("largest error {}, allowed {}", below(limit), limit) for limit in (1e-5, 1e-5, 0, 1e-4)),
    ]
    shown = {
        **ref.path("path_large", at),
        "path_large.top.id": top,
        "path_large.top.probability": np.exp(log_p[top]),
        "path_large.came.id": came,
        "path_large.came.probability": math.exp(log_p[came]),
        "path_large.came.logit": logits[came],
        "path_large.came.rank": rank,
        "path_table.position": range(ref.T),
        **{f"path_table.{stage}": norm(ref.x[stage]) for stage in ref.stages},
        "likeliest.rank": [*range(1, 11), *([] if came in top else [rank])],
        "likeliest.id": listed,
        "likeliest.probability": np.exp(log_p[listed]),
        "likeliest.logit": logits[listed],
    }
    return said, shown


def inside(ref: Reference, stage: str) -> list[tuple[str, np.ndarray, dict[str, float]]]:
    """Name, numbers and further facts of each part of a stage."""
    x, at = ref.x, f"h.{LAYER}"
    if stage == "embeddings":
        return [(name, x[name][AT], {}) for name in ("wte", "wpe", "embed")]
    if stage == "norm":
        last = x[f"h.{ref.L - 1}"][AT]
        scale = 1 / math.sqrt(last.var() + 1e-5)
        return [
            (f"h.{ref.L - 1}", last, {"mean": last.mean(), "scale": scale}),
            ("ln_f.normalized", (last - last.mean()) * scale, {}),
            ("ln_f", x["ln_f"][AT], {}),
        ]
    if stage == "logits":
        logits = x["logits"][AT]
        top = np.argsort(-logits)[:10]
        rows = [
            (f"wte.weight[{i}]", ref.weight("wte.weight")[i], {"logit": logits[i]}) for i in top
        ]
        return [("ln_f", x["ln_f"][AT], {}), *rows]
    names = ("ln_1", "attn.q", "attn.k", "attn.v")
    found = [(f"{at}.{name}", x[f"{at}.{name}"][..., AT, :], {}) for name in names]
    pattern = x[f"{at}.attn.pattern"]
    found += [(f"{at}.attn.pattern[{head}]", pattern[head, AT], {}) for head in range(ref.H)]
    before = f"h.{LAYER - 1}"
    rest = ("attn.z", "attn", before, "resid_mid", "ln_2", "mlp.pre", "mlp.act", "mlp", "resid_mid")
    for name in rest:
        whole = name if name == before else f"{at}.{name}"
        facts = {"above_0": int((x[whole][AT] > 0).sum())} if name == "mlp.act" else {}
        found.append((whole, x[whole][..., AT, :], facts))
    return [*found, (at, x[at][AT], {})]


def opened(ref: Reference, stage: str) -> Expected:
    """A stage that is open, in the picture, in words and as a table."""
    parts = inside(ref, stage)
    kinds = KINDS["attention" if stage == "mlp" else stage]
    cells = [(n, v, f) for (n, v, f), kind in zip(parts, kinds, strict=True) if kind != "heads"]
    largest = [int(np.abs(v).argmax()) for _, v, _ in parts]
    of_cells = [int(np.abs(v).argmax()) for _, v, _ in cells]
    values = [v.flat[i] for (_, v, _), i in zip(cells, of_cells, strict=True)]
    in_block = stage in ("attention", "mlp")
    name, width = {
        "embeddings": ("embed", ref.C),
        "norm": ("ln_f", ref.C),
        "logits": ("logits", ref.V),
    }.get(stage, (f"h.{LAYER}", ref.C))
    levels = [v.ravel() / abs(top) * 127 for (_, v, _), top in zip(cells, values, strict=True)]
    extra = {"embeddings": (0,), "norm": (), "logits": ()}.get(stage, (ref.L, 0))
    about = {"norm": [(0, 1)], "attention": [(0,)], "mlp": [(0,)]}.get(stage)
    facts = dict.fromkeys(fact for _, _, found in parts for fact in found)
    place = "path_large.open"
    shown = {
        f"{place}.layer": LAYER if in_block else 0,
        f"{place}.layers": ref.L if in_block else 0,
        f"{place}.steps.parts.shape": [size for _, v, _ in cells for size in v.shape],
        f"{place}.steps.parts.length": [np.linalg.norm(v) for _, v, _ in cells],
        f"{place}.steps.parts.largest": values,
        f"{place}.steps.parts.largestAt": of_cells,
        f"{place}.steps.parts.cells": [round(level) for level in np.concatenate(levels)],
        **({f"{place}.steps.about": about} if about else {}),
        **{
            f"{place}.steps.parts.facts.{fact}": [f[fact] for _, _, f in cells if fact in f]
            for fact in facts
        },
        "inside_table.shape": [v.shape for _, v, _ in parts],
        "inside_table.length": [np.linalg.norm(v) for _, v, _ in parts],
        "inside_table.largest_at": largest,
        "inside_table.largest": [v.flat[i] for (_, v, _), i in zip(parts, largest, strict=True)],
        **{f"inside_table.{fact}": [f.get(fact, math.nan) for _, _, f in parts] for fact in facts},
    }
    if in_block:
        shown[f"{place}.steps.parts.name"] = shown["inside_table.name"] = [
            n for n, _, _ in parts if "[" in n
        ]
        shown[f"{place}.steps.parts.weights"] = ref.x[f"h.{LAYER}.attn.pattern"][:, AT]
    if stage == "logits":
        shown[f"{place}.steps.parts.name"] = shown["inside_table.name"] = [
            n for n, _, _ in parts if "[" in n
        ]
    return [("· {}", name, width, *extra)], shown


def look(read: Read, models: Models, stage: str | None) -> None:
    """The page with a stage that is open, or none."""
    ref = models.ref
    page = read(
        "overview",
        ("path", "inside", "surprise"),
        position=AT,
        layer=LAYER,
        **({"open": stage} if stage else {}),
    )
    around, _ = ref.around(AT)
    expected = [(around, {}), overview(ref, AT), surprise(ref, AT)]
    page.holds(*([opened(ref, stage)] if stage else []), *expected)


STAGES = ("embeddings", "attention", "mlp", "norm", "logits")
VIEWS = {stage or "closed": partial(look, stage=stage) for stage in (None, *STAGES)}
