"""The tabs of Sampling in which texts are searched, ranked and measured."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from accounts.common import Expected, Models, Read
from accounts.reference import Reference, log_softmax
from accounts.sampling import (
    CHOSEN,
    SEED,
    Rules,
    Text,
    above_the_tabs,
    forbidden,
    plain,
    repetition,
    write_all,
)

BEAMS, STEPS = 4, 8
TEXTS, RANKED_LENGTH = 3, 10
CELL_TEXTS, CELL_LENGTH = 3, 40
TEMPERATURES, TOP_KS = (0.2, 0.5, 0.8, 1.0, 1.2), (10, 20, 40, 100, 0)
COURSE = ((0.2, 10), (0.5, 20), (0.8, 40))


def search(ref: Reference, beams: int) -> list[list[tuple[int, int, float, float]]]:
    """Step by step what is kept: parent, id, ln p of the token and of the text, the best first."""
    kept, steps = [((), 0.0)], []
    for _ in range(STEPS):
        ways = []
        for place, (ids, total) in enumerate(kept):
            read = [*ref.ids, *ids]
            log_p = log_softmax(Reference(ref.theirs, read, [""] * len(read)).x["logits"][-1])
            log_p[forbidden(read, CHOSEN.no_repeat_ngram_size)] = -np.inf
            ways += [(place, i, own, total + own) for i, own in enumerate(log_p.tolist())]
        best = sorted(ways, key=lambda way: -way[-1])[:beams]
        kept = [((*kept[place][0], token), total) for place, token, _, total in best]
        steps.append(best)
    return steps


def likelihood(key: str, totals: Sequence[float], length: int) -> dict[str, Any]:
    means = np.array(totals) / length
    found = {"tokens": [length] * len(totals), "sum": totals, "mean": means}
    return {f"{key}.{n}": v for n, v in (found | {"perplexity": np.exp(-means)}).items()}


def beams(ref: Reference) -> Expected:
    steps = search(ref, BEAMS)
    ranks = [[0] * BEAMS for _ in steps]
    for rank in reversed(range(BEAMS)):
        place = rank
        for step in reversed(range(STEPS)):
            ranks[step][place] = rank + 1
            place = steps[step][place][0]
    rows = [
        (n, i, *way, ranks[n - 1][i])
        for n, kept in enumerate(steps, 1)
        for i, way in enumerate(kept)
    ]
    names = ("step", "place", "parent", "id", "log_probability", "total", "rank")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    step, rank = columns["step"], columns["rank"]
    own, total = columns["log_probability"], columns["total"]
    groups = [[n for n, r in zip(step, rank, strict=True) if is_in(r)] for is_in in GROUPS]
    lane = lambda y: y in range(BEAMS)  # noqa: E731
    shown: dict[str, Any] = {f"beam_tree_table.{name}": values for name, values in columns.items()}
    drawn = [group for group in groups if group]
    for i, group in enumerate(drawn):
        shown[f"beam_tree.{i}.x"] = [x for n in group for x in (n - 1, n)]
        shown[f"beam_tree.{i}.y"] = [lane] * (2 * len(group))
    last = len(drawn)
    totals = [way[-1] for way in steps[-1]]
    greedy = search(ref, 1)[-1][0][-1]
    shown |= {
        f"beam_tree.{last}.x": step,
        f"beam_tree.{last}.y": [lane] * len(step),
        f"beam_tree.{last}.customdata": [*zip(own, total, strict=True)],
        "beam_tree.xaxis": [str(n) for n in range(1, STEPS + 1)],
        "beams.label": [str(n) for n in (1, 2, 3, 4, 6, 8)],
        "beam_length.label": [str(n) for n in (5, 8, 12, 16, 20, 30)],
        "found_texts.rank": range(1, BEAMS + 1),
        **likelihood("found_texts", totals, STEPS),
    }
    more = [math.exp(totals[0] - greedy)] if totals[0] > greedy + 1e-6 else []
    same = abs(totals[0] - greedy) <= 1e-6
    said = [
        ("The best text has ln p", totals[0], *([] if same else [greedy]), *more),
        ("Follow the orange line", STEPS, BEAMS),
    ]
    return said, shown


GROUPS = (lambda rank: rank == 0, lambda rank: rank > 1, lambda rank: rank == 1)


def ranked(ref: Reference) -> Expected:
    asked = [(CHOSEN, SEED + i) for i in range(TEXTS)]
    texts = write_all(ref, [*asked, (Rules(0, 0), 0)], RANKED_LENGTH)
    totals = np.array([text.log_p.sum() for text in texts])
    order = np.argsort(-totals, kind="stable")
    named = [(SEED + int(i),) if i < TEXTS else () for i in order]
    sums = totals[order]
    values = likelihood("ranked_table", sums, RANKED_LENGTH)
    means, perplexities = values["ranked_table.mean"], values["ranked_table.perplexity"]
    hover = zip(named, sums, means, perplexities, strict=True)
    drawn = np.exp(-totals[:TEXTS] / RANKED_LENGTH)
    seeds = [name for name in named if name]
    shown = values | {
        **likelihood("ranked_found_texts", sums, RANKED_LENGTH),
        "ranked_table.written with": seeds,
        "ranked_found_texts.written with": seeds,
        "ranked.0.x": means,
        "ranked.0.y": range(TEXTS + 1),
        "ranked.0.text": [(mean,) for mean in means],
        "ranked.0.customdata": [(*name, *more) for name, *more in hover],
        "ranked.yaxis": seeds,
        "ranked_texts.label": ["3", "5", "10", "20"],
        "ranked_length.label": ["10", "20", "40", "80"],
    }
    place = 1 + named.index(())
    said = [
        ("have perplexities from", drawn.min(), drawn.max(), place, TEXTS + 1),
        ("The shorter the bar", TEXTS + 1),
    ]
    return said, shown


def measured(texts: Sequence[Text]) -> dict[str, float]:
    found = {}
    for n in (1, 2, 3):
        all_of = [tuple(text.id[i : i + n]) for text in texts for i in range(CELL_LENGTH - n + 1)]
        found[f"distinct_{n}"] = len(set(all_of)) / len(all_of)
    found["repetition"] = np.mean([repetition(text.id, 4) for text in texts])
    found["log_probability"] = np.mean([text.log_p.mean() for text in texts])
    return found | {"entropy": np.mean([text.nats for text in texts])}


def grid(ref: Reference) -> Expected:
    cells = [(t, k) for t in TEMPERATURES for k in TOP_KS]
    rules = [replace(CHOSEN, temperature=t, top_k=k, top_p=1.0) for t, k in cells]
    asked = [(rule, SEED + i) for rule in rules for i in range(CELL_TEXTS)]
    texts = write_all(ref, asked, CELL_LENGTH)
    rows = [measured(texts[i : i + CELL_TEXTS]) for i in range(0, len(texts), CELL_TEXTS)]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    columns |= {"temperature": [t for t, _ in cells], "top_k": [k for _, k in cells]}
    pairs = columns["distinct_2"]
    corners = [
        end
        for t, k in COURSE
        for x, y in [(TOP_KS.index(k), TEMPERATURES.index(t))]
        for end in (x - 0.5, x + 0.5, y - 0.5, y + 0.5)
    ]
    shown = {f"grid_table.{name}": values for name, values in columns.items()} | {
        "grid.0.z": pairs,
        "grid.0.text": [(pair,) for pair in pairs],
        "grid.0.x": [(k,) for k in TOP_KS[:-1]],
        "grid.0.y": [f"{t:g}" for t in TEMPERATURES],
        "grid.shapes": corners,
        "grid_measure.label": ["distinct-1", "distinct-2", "distinct-3"],
    }
    log_p = columns["log_probability"]
    bolder = (pairs[0], pairs[-1], log_p[0], log_p[-1])
    numbers = bolder if log_p[-1] < log_p[0] else (*bolder[2:], *bolder[:2])
    said = [
        ("log-probability of a token", *numbers),
        ("Outlined: what a course", *(number for pair in COURSE for number in pair)),
        ("Each cell is", CELL_TEXTS, CELL_LENGTH, "distinct-2", 5, 5, 4),
    ]
    return said, shown


def cache(_: Reference) -> Expected:
    """Nothing is measured before somebody asks."""
    return [], {"cache_length.label": ["20", "50", "100", "200"]}


TABS = {"beams": beams, "ranked": ranked, "grid": grid, "cache": cache}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    numbers = ("tokens", "text", "beam_tree", "ranked", "grid")
    own = {"beam_length": STEPS, "ranked_texts": TEXTS, "ranked_length": RANKED_LENGTH}
    page = read("sampling", numbers, tab=tab, seed=SEED, **plain(CHOSEN), **own)
    page.holds(ref.around(ref.T - 1), above_the_tabs(ref), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
