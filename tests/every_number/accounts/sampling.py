"""The page Sampling: what the rules leave, and the texts that the dice of a seed write."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from accounts.common import Expected, Models, Read
from accounts.reference import LETTERS, Reference, log_softmax

SEED = 3
LENGTH = 40  # tokens


@dataclass(frozen=True)
class Rules:
    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    no_repeat_ngram_size: int = 0


CHOSEN = Rules(0.7, 12, 0.9, 1.3, 0.1, 0.9, 3)  # each of them removes or changes something
CUTS = ("no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p", "typical_p")
PRESETS = {
    "greedy": Rules(0, 0),
    "conservative": Rules(0.5, 20),
    "balanced": Rules(0.8, 40),
    "creative": Rules(1.2, 100),
}


def stages(logits: np.ndarray, read: Sequence[int], rules: Rules) -> dict[str, np.ndarray]:
    """Probabilities after each rule, by its name."""
    x = logits.copy()
    own = sorted(set(read))
    x[own] = np.where(x[own] > 0, x[own] / rules.repetition_penalty, x[own])
    x[own] = np.where(x[own] < 0, x[own] * rules.repetition_penalty, x[own])
    found = {"repetition_penalty": x}
    x = x.copy()
    x[forbidden(read, rules.no_repeat_ngram_size)] = -np.inf
    found["no_repeat_ngram_size"] = x
    if rules.temperature:
        x = x / rules.temperature
    else:
        x = np.where(np.arange(len(x)) == x.argmax(), x, -np.inf)
    found["temperature"] = x
    if rules.top_k:
        x = np.where(x >= np.sort(x)[-min(rules.top_k, len(x))], x, -np.inf)
    found["top_k"] = x
    p = np.exp(log_softmax(x))
    order = np.argsort(-p, kind="stable")
    enough = p[order].cumsum() - p[order] >= rules.top_p
    enough[0] = False
    gone = order[enough] if rules.top_p < 1 else []
    x = x.copy()
    x[gone] = -np.inf
    found["top_p"] = x
    p = np.exp(log_softmax(x))
    x = np.where(p >= rules.min_p * p.max(), x, -np.inf)
    found["min_p"] = x
    if rules.typical_p < 1:
        left = np.flatnonzero(np.isfinite(x))
        surprise = -log_softmax(x[left])
        share = np.exp(-surprise)
        off = np.abs(surprise - (share * surprise).sum())
        order = np.argsort(off, kind="stable")
        last = min((share[order].cumsum() < rules.typical_p).sum(), len(left) - 1)
        x = x.copy()
        x[left[off > off[order[last]]]] = -np.inf
    found["typical_p"] = x
    return {name: np.exp(log_softmax(values)) for name, values in found.items()}


def forbidden(read: Sequence[int], n: int) -> list[int]:
    """What would end a stretch of n tokens that was there before."""
    stretches = [tuple(read[i : i + n]) for i in range(len(read) - n + 1)] if n else []
    return [stretch[-1] for stretch in stretches if [*stretch[:-1]] == [*read[-n:]][1:]]


@dataclass
class Text:
    """What is written after a text, and what was known of each token."""

    id: list[int]
    before: list[float]
    probability: list[float]
    rank: list[int]
    kept: list[int]
    nats: list[float]

    @property
    def shown(self) -> dict[str, list]:
        return {name: values for name, values in vars(self).items() if name != "nats"}

    @property
    def log_p(self) -> np.ndarray:
        return np.log(self.before)


def write(ref: Reference, rules: Rules, length: int = LENGTH) -> Text:
    """Token after token, by the dice of the seed; a full context keeps its newer half."""
    return write_all(ref, [(rules, SEED)], length)[0]


@torch.no_grad()
def write_all(ref: Reference, asked: Sequence[tuple[Rules, int]], length: int) -> list[Text]:
    """A text for each pair of rules and seed."""
    dice = [torch.Generator().manual_seed(seed) for _, seed in asked]
    texts = [Text([], [], [], [], [], []) for _ in asked]
    rows, start = [list(ref.ids) for _ in asked], 0
    for _ in range(length):
        if len(rows[0]) - start > ref.context:
            start = len(rows[0]) - ref.context // 2
        each = ref.theirs(torch.tensor([ids[start:] for ids in rows])).logits[:, -1].numpy()
        for (rules, _), own, ids, text, logits in zip(asked, dice, rows, texts, each, strict=True):
            p = stages(logits, ids, rules)["typical_p"]
            borders = p.cumsum()
            place = float(torch.rand((), generator=own, dtype=torch.float64))
            token = int(np.searchsorted(borders / borders[-1], place, side="right"))
            text.id.append(token)
            text.before.append(math.exp(log_softmax(logits)[token]))
            text.probability.append(p[token])
            text.rank.append(1 + int((p > p[token]).sum()))
            text.kept.append(int((p > 0).sum()))
            text.nats.append(float(-(p[p > 0] * np.log(p[p > 0])).sum()))
            ids.append(token)
    return texts


def plain(rules: Rules) -> dict[str, float]:
    return dict(vars(rules))


def table(key: str, texts: Sequence[Text]) -> dict[str, Any]:
    names = ("id", "before", "probability", "rank", "kept")
    found = {f"{key}_table.{n}": [v for text in texts for v in getattr(text, n)] for n in names}
    return found | {f"{key}_table.index": [i for text in texts for i in range(len(text.id))]}


def token_table(ref: Reference, key: str) -> dict[str, Any]:
    logits = ref.x["logits"][-1]
    order = np.argsort(-logits)
    found = {
        "rank": range(1, ref.V + 1),
        "id": order,
        "logit": logits[order],
        "before": np.exp(ref.log_p[-1, order]),
        **{n: p[order] for n, p in stages(logits, ref.ids, CHOSEN).items()},
    }
    return {f"{key}_table.{name}": values for name, values in found.items()}


def explorer(ref: Reference, text: Text, removed: list[float]) -> list[Any]:
    """What the picture of text and sliders writes: it computes the stages by itself."""
    logits = ref.x["logits"][-1]
    p = stages(logits, ref.ids, CHOSEN)
    before, last = np.exp(ref.log_p[-1]), p["typical_p"]
    left = last[last > 0]
    nats = float(-(left * np.log(left)).sum())
    open_to = [len(left), ref.V, math.exp(nats), nats, nats / math.log(2)]
    written = [before, *p.values(), text.before, text.probability, text.rank, text.kept]
    # Of "15.8 → 48.8 %", only the second number has its sign.
    shares = [100 * before]
    numbers = np.concatenate([*written, *shares, logits, range(ref.V)])
    return [*plain(CHOSEN).values(), SEED, *open_to, *removed, *numbers.tolist()]


def above_the_tabs(ref: Reference) -> Expected:
    logits, p = ref.x["logits"][-1], stages(ref.x["logits"][-1], ref.ids, CHOSEN)
    text = write(ref, CHOSEN)
    removed = [(p[now] == 0) & (p[then] > 0) for then, now in pairwise(p)]
    banned = removed[0]
    whole = p["temperature"] * (1 - p["repetition_penalty"][banned].sum())
    whole = np.where(banned, p["repetition_penalty"], whole)
    masses = [float(whole[gone].sum()) for gone in removed]
    counts = [int(gone.sum()) for gone in removed]
    assert all(counts[i] for i in (0, 2, 3, 4, 5)), counts
    shown: dict[str, Any] = {
        "explorer_logits.seen": ref.ids,
        "explorer_logits.sent": logits,
        "explorer.seeds": 2**31,
        **{
            f"explorer.presets.{preset}.{name}": value
            for preset, rules in PRESETS.items()
            for name, value in plain(rules).items()
        },
        **{f"None.settings.{name}": value for name, value in plain(CHOSEN).items()},
        "None.seed": SEED,
        "None.length": LENGTH,
        **{f"None.tokens.{n}": v for n, v in text.shown.items()},
        **token_table(ref, "tokens"),
        "rules_table.tokens": [*counts, ref.V - sum(counts)],
        "rules_table.probability": [*masses, 1 - sum(masses)],
        **table("text", [text]),
        "explorer.written": explorer(ref, text, [*counts, *masses]),
    }
    ends = {
        "temperature": (0, 2, 0.01),
        "top_k": (0, 10**6, 1),
        "top_p": (0.01, 1, 0.01),
        "repetition_penalty": (1, 2, 0.01),
        "min_p": (0, 1, 0.01),
        "typical_p": (0.01, 1, 0.01),
        "no_repeat_ngram_size": (0, 10, 1),
    }
    for name, numbers in ends.items():
        for end, number in zip(("min", "max", "step"), numbers, strict=True):
            shown[f"explorer.limits.{name}.{end}"] = number
    defaults = (0.8, 40, 1, 0, 1, 1)
    said = [
        ("The token after your text", f"logits[{ref.T - 1}]", ref.V, *defaults),
        ("The text above, token by token", LENGTH, ref.V),
    ]
    return said, shown


def columns(texts: dict[str, Text], rules: dict[str, Rules]) -> dict[str, Any]:
    both = pairwise(text.id for text in texts.values())
    apart = [
        next((i for i, (a, b) in enumerate(zip(*pair, strict=True)) if a != b), None)
        for pair in both
    ]
    shown: dict[str, Any] = {
        "columns.texts.parting": [place for place in apart if place is not None],
        **table("compared", [*texts.values()]),
    }
    for name in ("id", "before", "probability", "rank", "kept"):
        shown[f"columns.texts.tokens.{name}"] = [v for t in texts.values() for v in vars(t)[name]]
    for name in vars(CHOSEN):
        shown[f"columns.texts.settings.{name}"] = [vars(rule)[name] for rule in rules.values()]
    return shown


def repetition(ids: list[int], n: int) -> float:
    stretches = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(stretches)) / len(stretches)


def measures(letters: str, ids: list[int]) -> list[float]:
    text = "".join(letters[i] for i in ids)
    found = "".join(c if c.isalpha() else " " for c in text.casefold()).split()
    distinct = len(set(found))
    share = distinct / len(found) if found else math.nan
    repeats = [repetition(ids, n) for n in (2, 3, 4)]
    return [len(ids), len(found), distinct, share, *repeats, 1, len(text), len(text)]


def side_by_side(ref: Reference, rules: dict[str, Rules], more: tuple = ()) -> Expected:
    texts = {name: write(ref, rule) for name, rule in rules.items()}
    shown = columns(texts, rules)
    for name, text in texts.items():
        shown[f"measures.{name}"] = measures(LETTERS, text.id)
    shown["measures.measure"] = [(n,) for n in (2, 3, 4)]
    said = [
        *more,
        ("What each of them writes", len(texts), LENGTH, ref.V),
        ("said before", 2, 3, 4),
    ]
    return said, shown


def temperatures(ref: Reference) -> Expected:
    rules = {
        f"temperature {t:g}": replace(CHOSEN, temperature=t) for t in (0.0, 0.5, 0.8, 1.0, 1.5)
    }
    said, shown = side_by_side(ref, rules, (("at five temperatures", 0),))
    shown["columns.texts.name"] = [*rules]
    names = [name for name in rules for _ in range(LENGTH)]
    return said, shown | {"compared_table.written with": names}


def presets(ref: Reference) -> Expected:
    said, shown = side_by_side(ref, PRESETS)
    shown["columns.texts.note"] = [(20,), (40,), (100,)]
    return said, shown


def two_settings(ref: Reference) -> Expected:
    both = {"A": CHOSEN, "B": PRESETS["creative"]}
    said, shown = side_by_side(ref, both, (("is what the sliders above say", 0),))
    own = {f"b_{name}": value for name, value in plain(both["B"]).items()}
    return said, shown | {"compare_length": [1, 100, LENGTH], **own}


def written(ref: Reference) -> Expected:
    """What Write adds, and what could have come first."""
    text, log_p = write(ref, CHOSEN), ref.log_p[-1]
    top = np.argsort(-log_p)[:8].tolist()
    top = top if text.id[0] in top else [*top[:7], text.id[0]]
    shown = {
        "write_length": [1, 1000, LENGTH],
        "text.rows.chips.position": range(ref.T, ref.T + LENGTH),
        "text.rows.chips.hover": [*zip(text.probability, text.before, strict=True)],
        "text.chosen": ref.T,
        **{f"alternative_{i}.label": (math.exp(log_p[i]),) for i in top},
    }
    said = [
        ("What the model wrote after your text", LENGTH, ref.V),
        ("What could stand at position {}", ref.T),
        ("This model reads at most {} tokens", ref.context),
    ]
    return said, shown


def draw_many(ref: Reference) -> Expected:
    p = stages(ref.x["logits"][-1], ref.ids, CHOSEN)["typical_p"]
    dice, n, z = torch.Generator().manual_seed(SEED), 300, 1.959964
    places = torch.rand(n, generator=dice, dtype=torch.float64).numpy()
    drawn = np.searchsorted(p.cumsum() / p.sum(), places, side="right")
    ids = [i for i in np.argsort(-p)[:16].tolist() if p[i] > 0]
    counts = np.array([*(np.sum(drawn == i) for i in ids), 0])
    share = counts / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    low, high = np.where(counts == 0, 0, centre - half), centre + half
    own = np.array([*p[ids], 0])
    hover = [(*row,) for row in zip(counts, share, low, high, own, strict=True)]
    shown = {
        "drawn.0.x": share,
        "drawn.0.y": range(len(own)),
        "drawn.0.error_x.array": high - share,
        "drawn.0.error_x.arrayminus": share - low,
        "drawn.0.customdata": hover,
        "drawn.0.name": [(0.95,)],
        "drawn.1.x": own,
        "drawn.1.y": range(len(own)),
        "drawn.1.customdata": hover,
        "drawn_table.id": ids,
        "drawn_table.probability": own,
        "drawn_table.count": counts,
        "drawn_table.frequency": share,
        "drawn_table.low": low,
        "drawn_table.high": high,
        "draws.label": ["100", "300", "1,000"],
    }
    inside = int(((low <= own) & (own <= high)).sum())
    said = [("A bar is how often", n, 95, 100), ("lines hold their diamond", inside, len(own))]
    return said, shown


def stage_by_stage(ref: Reference) -> Expected:
    logits = ref.x["logits"][-1]
    order = np.argsort(-logits)[:16]
    p = [np.exp(ref.log_p[-1]), *stages(logits, ref.ids, CHOSEN).values()]
    values = np.stack([each[order] for each in p], -1)
    shown = {
        "stages.0.z": values,
        "stages.0.text": [(value,) for value in values.ravel() if value > 0],
        **token_table(ref, "stages"),
    }
    return [("The {} likeliest tokens", 16, 1, len(p), ref.V)], shown


TABS = {
    "temperatures": temperatures,
    "presets": presets,
    "two-settings": two_settings,
    "write": written,
    "draw-many": draw_many,
    "stages": stage_by_stage,
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    ref = models.ref
    numbers = ("tokens", "text", "compared", "drawn", "stages")
    press = ["Write"] if tab == "write" else []
    page = read("sampling", numbers, press, tab=tab, seed=SEED, **plain(CHOSEN))
    page.holds(ref.around(ref.T - 1), above_the_tabs(ref), TABS[tab](ref))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
