"""The page What if: a head that is switched off, and what that does."""

from functools import partial

import numpy as np
import torch

from accounts.common import Expected, Models, Read, heads_by, told
from accounts.reference import Reference, log_softmax

LAYER, HEAD = 1, 2


def above_the_tabs(ref: Reference, other: dict[str, np.ndarray]) -> Expected:
    log_p, log_q = (log_softmax(run["logits"][-1]) for run in (ref.x, other))
    p, q = np.exp(log_p), np.exp(log_q)
    kl = float((p * (log_p - log_q)).sum())
    old, new = int(p.argmax()), int(q.argmax())
    ids = list(dict.fromkeys([*np.argsort(-p)[:6].tolist(), *np.argsort(-q)[:6].tolist()]))
    before, after = ref.loss(ref.x), ref.loss(other)
    goes: tuple = ("goes from {} to {}, and now", told(p[old]), told(q[old]), told(q[new]), kl)
    if kl < 0.01:
        goes = ("hardly changes", told(p[old]), told(q[old]), kl)
    elif old == new:
        goes = ("stays the likeliest", told(p[old]), told(q[old]), kl)
    words = "guesses the text itself worse" if after > before else "guesses the text itself better"
    losses: tuple = (words, after, before)
    if abs(after - before) < 0.005:
        losses = ("as well as before", after)
    said = [goes, losses, ("The likeliest next tokens of both runs", ref.T - 1, 2, ref.V)]
    shown = {
        "layer": [0, ref.L - 1, LAYER],
        "head": [0, ref.H - 1, HEAD],
        "next_token.0.x": p[ids],
        "next_token.0.y": range(len(ids)),
        "next_token.1.x": q[ids],
        "next_token.1.y": range(len(ids)),
        "next_token_table.id": ids,
        "next_token_table.before": p[ids],
        "next_token_table.after": q[ids],
    }
    return said, shown


def written(ref: Reference, layer: int | None) -> list[int]:
    """What a run writes with the dice of seed 0, temperature 0.8 and top-k 40, until it is full."""
    dice, ids = torch.Generator().manual_seed(0), list(ref.ids)
    while len(ids) < min(ref.context, ref.T + 20):
        longer = Reference(ref.theirs, ids, [""] * len(ids))
        run = longer.x if layer is None else longer.without_head(layer, HEAD)
        borders = np.exp(log_softmax(run["logits"][-1] / 0.8)).cumsum()
        place = float(torch.rand((), generator=dice, dtype=torch.float64))
        ids.append(int(np.searchsorted(borders / borders[-1], place, side="right")))
    return ids[ref.T :]


def text(ref: Reference, _: dict[str, np.ndarray]) -> Expected:
    both = [written(ref, None), written(ref, LAYER)]
    n = len(both[0])
    shown = {
        "texts.rows.chips.position": [*range(ref.T, ref.T + n)] * 2,
        "texts.rows.chips.hover": [f"id {token}" for ids in both for token in ids],
        "texts_table.n": [*range(n)] * 2,
        "texts_table.id": both[0] + both[1],
    }
    same = next(i for i, (one, other) in enumerate(zip(*both, strict=True)) if one != other)
    goes = ("already the first token is another",) if same == 0 else ("write the same", same)
    return [goes, ("What the model goes on to write", 2, n)], shown


def attention(ref: Reference, other: dict[str, np.ndarray]) -> Expected:
    change = np.stack([other[f"h.{i}.attn.pattern"] for i in range(ref.L)]) - ref.patterns
    moved = np.abs(change).max((-2, -1))
    layer, head = divmod(int(moved.argmax()), ref.H)
    values, T = change[layer, head], ref.T
    query, key = np.tril_indices(T)
    shown = {
        "pattern_difference.0.z": values,
        "pattern_difference_table.query": query,
        "pattern_difference_table.key": key,
        "pattern_difference_table.change": values[query, key],
    }
    for place in ("0.x", "0.y", "xaxis", "yaxis"):
        shown[f"pattern_difference.{place}"] = ref.named
    said = [
        ("changes where it looks most", moved.max(), moved.size, int((moved >= 0.1).sum()), 0.1),
        ("How the pattern of", f"h.{layer}.attn.pattern[{head}]", T, T, 0),
    ]
    return said, shown


def each_head(ref: Reference, _: dict[str, np.ndarray]) -> Expected:
    before = ref.loss(ref.x)
    effects = np.array(
        [
            [ref.loss(ref.without_head(layer, head)) - before for head in range(ref.H)]
            for layer in range(ref.L)
        ]
    )
    most = effects.max()
    sentence: tuple = ("the loss of the text rises most", most)
    shown = {
        "each_head.0.z": effects,
        "each_head_table.effect": effects,
        **heads_by("each_head", effects),
    }
    name = "effect of h.*.attn.z[head] = 0"
    said = [("How much the loss of the text", name, ref.L, ref.H)]
    return ([sentence] if most >= 0.005 else []) + said, shown


TABS = {"text": text, "attention": attention, "each-head": each_head}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    other = ref.without_head(LAYER, HEAD)
    numbers = ("next_token", "texts", "pattern_difference", "each_head")
    page = read("what_if", numbers, tab=tab, layer=LAYER, head=HEAD, seed=0)
    page.holds(ref.around(ref.T - 1), above_the_tabs(ref, other), TABS[tab](ref, other))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
