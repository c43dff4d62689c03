"""The page Debugging: shapes, modules and gradients of transformers, and a batch by hand."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config

from accounts.common import Expected, Models, Read, numbered, ticks
from accounts.reference import Reference

LAYER = 1
RANGE = (0.1, 2)  # of norms, as the course has it
IN_A_BLOCK = (
    *("", ".ln_1", ".ln_1.scale", ".ln_1.normalized", ".attn", ".attn.c_attn", ".attn.c_proj"),
    *(".attn.attn_dropout", ".attn.resid_dropout", ".attn.q", ".attn.k", ".attn.v"),
    *(".attn.scores", ".attn.pattern", ".attn.z", ".resid_mid", ".ln_2", ".ln_2.scale"),
    *(".ln_2.normalized", ".mlp", ".mlp.c_fc", ".mlp.pre", ".mlp.act", ".mlp.c_proj"),
    ".mlp.dropout",
)
SHARE = 0.001  # of the whole norm: less has vanished


def sized(*sizes: int) -> str:
    return " × ".join(str(size) for size in sizes)


def walk(ref: Reference) -> list[tuple[str, str, str, str]]:
    """Each module on the way: name, what goes in, what comes out, and its letters."""
    T, C, H, d, V = ref.T, ref.C, ref.H, ref.d, ref.V
    stream, head, square = sized(1, T, C), sized(1, H, T, d), sized(1, H, T, T)
    hidden, logits = sized(1, T, 4 * C), sized(1, T, V)
    btc = "B × T × C"

    def same(name: str, size: str, letters: str) -> tuple[str, str, str, str]:
        return name, size, size, letters

    def norm(name: str) -> list[tuple[str, str, str, str]]:
        return [
            same(name, stream, btc),
            same(f"{name}.scale", sized(1, T, 1), "B × T × 1"),
            same(f"{name}.normalized", stream, btc),
        ]

    found = [
        ("wte", sized(1, T), stream, btc),
        ("wpe", sized(1, T), stream, "1 × T × C"),
        same("embed", stream, btc),
        same("drop", stream, btc),
    ]
    for i in range(ref.L):
        own = [
            same("", stream, btc),
            *norm(".ln_1"),
            same(".attn", stream, btc),
            (".attn.c_attn", stream, sized(1, T, 3 * C), "B × T × 3C"),
            *(same(f".attn.{part}", head, "B × H × T × d") for part in "qkv"),
            same(".attn.scores", square, "B × H × T × T"),
            same(".attn.pattern", square, "B × H × T × T"),
            same(".attn.attn_dropout", square, "B × H × T × T"),
            same(".attn.z", head, "B × H × T × d"),
            same(".attn.c_proj", stream, btc),
            same(".attn.resid_dropout", stream, btc),
            same(".resid_mid", stream, btc),
            *norm(".ln_2"),
            same(".mlp", stream, btc),
            (".mlp.c_fc", stream, hidden, "B × T × D"),
            same(".mlp.pre", hidden, "B × T × D"),
            same(".mlp.act", hidden, "B × T × D"),
            (".mlp.c_proj", hidden, stream, btc),
            same(".mlp.dropout", stream, btc),
        ]
        found += [(f"h.{i}{name}", *rest) for name, *rest in own]
    found += norm("ln_f")
    found += [
        ("compare", f"{stream} and {sized(V, C)}", logits, "B × T × V"),
        same("logits", logits, "B × T × V"),
    ]
    return found


def numbers_in(size: str) -> int:
    return math.prod(int(n) for n in size.split(" × "))


def shapes(ref: Reference) -> Expected:
    rows = walk(ref)
    seen = ref.x  # of a run of transformers
    for name, _, out, _ in rows:
        if name in seen:
            assert out == sized(1, *seen[name].shape), name
    drawn = [r for r in rows if not r[0].startswith("h.") or r[0].startswith(f"h.{LAYER}")]
    counts = [numbers_in(out) for _, _, out, _ in rows]
    kept = [numbers_in(out) for _, _, out, _ in drawn]
    told = []
    for _, given, out, letters in drawn:
        told += numbered((given, out, letters))
    low, high = math.floor(math.log10(min(kept))), math.ceil(math.log10(max(kept)))
    tops = [(10.0**power,) for power in range(low, high + 1)]
    shown = {
        "layer": [0, ref.L - 1, LAYER],
        "walk.0.x": kept,
        "walk.0.offset": 0.08,  # of the bars, below the middle of their rows
        "walk.1.x": [1] * len(drawn),  # where the names begin
        "walk.1.text": [
            f"<b>{name}</b> {out if given == out else given.partition(' and ')[0] + ' → ' + out}"
            for name, given, out, _ in drawn
        ],
        "walk.0.customdata": told,
        "walk.xaxis": tops,
        "walk_table.input": [given for _, given, _, _ in rows],
        "walk_table.output": [out for _, _, out, _ in rows],
        "walk_table.letters": [x for *_, x in rows if x in ("1 × T × C", "B × T × 1")],
        "walk_table.numbers": counts,
    }
    stream, T = (1, ref.T, ref.C), ref.T
    n_recorded = sum(
        not name.endswith(("drop", "dropout", "c_attn", "c_proj", "c_fc", "compare"))
        for name, *_ in rows
    )
    said = [
        ("your text passes", len(rows), 1, T, *stream, ref.L, 1, T, ref.V, max(counts)),
        ("Read from above", len(rows), ref.L - 1),
        ("tensors in this run's trace", n_recorded, n_recorded),
    ]
    return said, shown


def modules(ref: Reference) -> Expected:
    body = ref.theirs.transformer

    def count(path: str) -> int:
        return sum(p.numel() for p in body.get_submodule(path).parameters())

    def own(path: str) -> list[str]:
        """The shapes of what a module itself holds; matrices of theirs lie inputs first."""
        found = []
        for name, p in body.get_submodule(path).named_parameters(recurse=False):
            turned = p.dim() == 2 and path.startswith("h.")
            found.append(f"{name} {sized(*(reversed(p.shape) if turned else p.shape))}")
        return [", ".join(found)] if found else []

    whole = sum(p.numel() for p in ref.theirs.parameters())
    names = ["", "wte", "wpe", "embed", "drop", "h"]
    for i in range(ref.L):
        names += [f"h.{i}{name}" for name in IN_A_BLOCK]
    names += ["ln_f", "ln_f.scale", "ln_f.normalized", "compare", "logits"]
    assert set(names) - {"", "h"} == {name for name, *_ in walk(ref)}
    theirs = {name for name, _ in body.named_modules()}
    counts, texts, drawn = [], [], []
    for name in names:
        n = whole if not name else count(name) if name in theirs else 0
        counts.append(n)
        has = own(name) if name in theirs and name else []
        texts += has
        drawn += [n] * (n > 0)
    n_own = sum(bool(own(name)) for name in names if name in theirs and name)
    shown = {
        "modules.0.values": drawn,
        "modules.0.maxdepth": [5],  # levels that are drawn: GPT, h, 0, attn, c_attn
        "modules.0.customdata": texts,
        # Names of blocks are numbers, and stand alone in their boxes.
        "modules.0.labels": [str(i) for i in range(ref.L)],
        **{f"{key}.parameters": counts for key in ("modules_table", "modules_all")},
        **{f"{key}.shapes": texts for key in ("modules_table", "modules_all")},
    }
    said = [
        ("modules, of which", len(names), n_own, whole, whole),
        ("Each box is a module", len(names)),
    ]
    return said, shown


def gradients(ref: Reference) -> Expected:
    model = ref.theirs
    model.zero_grad()
    model.requires_grad_(True)
    ids = torch.tensor([ref.ids])
    with torch.enable_grad():
        logits = model(ids[:, :-1]).logits[0]
        torch.nn.functional.cross_entropy(logits, ids[0, 1:]).backward()
    found = {n: p.grad.numpy().ravel() for n, p in model.transformer.named_parameters()}
    model.zero_grad()

    def part(name: str) -> str:
        if not name.startswith("h."):
            return "embedding" if name[0] == "w" else "ln_f"
        _, i, kind, *_ = name.split(".")
        return f"h.{i}.{'norm' if kind.startswith('ln') else kind}"

    def kind(name: str) -> str:
        own = part(name).rpartition(".")[2]
        return "norm" if own == "ln_f" else own

    def together(by) -> dict[str, np.ndarray]:
        groups: dict[str, list[np.ndarray]] = {}
        for name, g in found.items():
            groups.setdefault(by(name), []).append(g)
        return {name: np.concatenate(values) for name, values in groups.items()}

    parts, types = together(part), together(kind)
    norms = {name: float(np.linalg.norm(g)) for name, g in parts.items()}
    whole = math.hypot(*norms.values())
    low, high = RANGE
    below = [n for n, norm in norms.items() if norm < low]
    above = [n for n, norm in norms.items() if norm > high]
    shown: dict[str, Any] = {
        **columns("gradients_table", parts),
        **columns("gradient_types", types),
        **columns("gradient_types_table", types),
        **columns("gradient_parameters", found),
        **columns("gradient_parameters_table", found),
        "gradients.shapes": [0, 1, *RANGE],
    }
    lines: dict[str, list[float]] = {}
    for name, norm in norms.items():
        end = name in ("embedding", "ln_f")
        lines.setdefault("ends" if end else name.rpartition(".")[2], []).append(norm)
    shown |= {f"gradients.{i}.y": values for i, values in enumerate(lines.values())}
    axis = ticks(np.array([*norms.values(), *RANGE]))
    shown["gradients.yaxis"] = axis[:: -(-len(axis) // 7)]
    assert all(norm > SHARE * whole for n, norm in norms.items() if n.startswith("h."))
    told = [whole, *([low] if whole < low else [high] if whole > high else RANGE), 1]
    told += [1 / whole] if whole > 1 else []
    outer = [len(norms), len(norms) - len(below) - len(above), *RANGE]
    for outside in (below, above):
        if outside:
            outer += [len(outside), *([len(outside) - 6] if len(outside) > 6 else [])]
    said = [
        ("The norm of the whole gradient is", *told),
        ("is left without a gradient", *outer),
        ("Read from right to left", len(norms), *RANGE, 12, 0.014),
        ("A row for all layers of a type", len(types), 0),
        ("A row for each tensor that training adjusts", len(found)),
    ]
    return said, shown


def columns(key: str, groups: dict[str, np.ndarray]) -> dict[str, Any]:
    """What a table tells of each group of numbers."""
    values = list(groups.values())
    return {
        f"{key}.numbers": [g.size for g in values],
        f"{key}.norm": [np.linalg.norm(g) for g in values],
        f"{key}.mean absolute": [np.abs(g).mean() for g in values],
        f"{key}.mean": [g.mean() for g in values],
        f"{key}.spread": [g.std() for g in values],
    }


def batch(ref: Reference) -> Expected:
    """Before the button is pressed: what a blind guess and counting come to."""
    targets = ref.ids[1:]
    n, n_targets = len(set(ref.ids)), len(targets)
    p = np.unique(targets, return_counts=True)[1] / n_targets
    blind, counting = math.log(n), -(p * np.log(p)).sum()
    shown = {
        "batch.panels.limits.blind guess": blind,
        "batch.panels.limits.counting": counting,
        "batch.panels.limits.least possible": 0.0,  # one text begins like no other
        "batch.panels.series.points": [0, 0],
        "batch_seed": 0,
        "batch_of.label": ["8 windows of the plays"],
        "fault.label": [(0.001,), (300,), (6,)],
    }
    said = [
        ("tokens to guess", 1, n_targets, n),
        ("If all is well", 0, 2, 64, 0.003, 0, 0.05, 200),
    ]
    return said, shown


def symptoms(_: Reference) -> Expected:
    """Without a gallery there are only words, numbered from 1 on, and the name of GPT-2."""
    std = GPT2Config().initializer_range
    said = [
        ("Take a third of the learning rate", 1),
        ("Does the loss climb", 1, 1, 2, 2, std, 3, 4, 5, 2, 6, 7, 8, 9),
    ]
    return said, {"symptom.label": [(i,) for i in range(1, 10)]}


TABS = {
    "shapes": (shapes, ("walk",)),
    "modules": (modules, ("modules",)),
    "gradients": (gradients, ("gradients", "gradient_types", "gradient_parameters")),
    "batch": (batch, ("batch",)),
    "symptoms": (symptoms, ()),
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    expected, keys = TABS[tab]
    page = read("debugging", keys, tab=tab, layer=LAYER, batch_of="prompt")
    said, _ = ref.around(0)
    page.holds((said, {}), expected(ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
