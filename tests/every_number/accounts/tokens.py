"""The page Tokens: how a text is cut, by tiktoken, by characters and by bytes."""

import re
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import tiktoken

from accounts.common import Expected, Models, Read, numbered
from accounts.reference import Reference
from gptviz.subjects.tokens.analysis import SENTENCES  # the texts that are cut

WORDS = "Unbelievable caterpillars eat"
AT = 2
PLAYS = Path(__file__).parents[3] / "gptviz" / "data" / "shakespeare.txt"


class Cut:
    """What a tokenizer makes of texts: the ids, and the bytes of each."""

    def __init__(self, name: str, size: int):
        self.name, self.size = name, size

    def ids(self, text: str) -> list[int]:
        return [*text.encode()]

    def data(self, token: int) -> bytes:
        return bytes([token])

    def table(self, text: str) -> dict[str, list]:
        ids = self.ids(text)
        data = [self.data(token) for token in ids]
        begun = [sum(byte & 0xC0 != 0x80 for byte in part) for part in data]
        written = [part.hex(" ").upper() for part in data]
        return {"position": [*range(len(ids))], "id": ids, "bytes": written, "characters": begun}

    def hover(self, text: str) -> list[str]:
        rows = self.table(text)
        both = zip(rows["id"], rows["bytes"], strict=True)
        return [f"id {token} · bytes {data}" for token, data in both]


def piece(data: bytes) -> str:
    """A token as it is shown, if it is a part of a character."""
    parts = re.split("([\udc80-\udcff]+)", data.decode("utf-8", "surrogateescape"))
    broken = [part.encode("utf-8", "surrogateescape").hex(" ").upper() for part in parts[1::2]]
    return "".join(f"{whole}⟨{part}⟩" for whole, part in zip(parts, broken, strict=False))


class Gpt2(Cut):
    def __init__(self, encoding: tiktoken.Encoding):
        super().__init__("GPT-2 BPE", 50257)
        self.encoding = encoding
        self.ids, self.data = encoding.encode_ordinary, encoding.decode_single_token_bytes


class Characters(Cut):
    def __init__(self):
        self.letters = sorted(set(PLAYS.read_text(encoding="utf-8")))
        super().__init__("characters of Shakespeare", len(self.letters))

    def ids(self, text: str) -> list[int]:
        return [self.letters.index(letter) for letter in text]

    def data(self, token: int) -> bytes:
        return self.letters[token].encode()

    def can_write(self, text: str) -> bool:
        return set(text) <= set(self.letters)


def above_the_tabs(ref: Reference, cuts: list[Cut]) -> Expected:
    said = [
        ("^{} characters a token", len(WORDS) / ref.T),
        ("Characters: {}, tokens: {}", len(WORDS), ref.T, ref.context),
        ("Each coloured piece is one token", ref.T),
    ]
    shown = {
        "pieces.rows.chips.position": range(ref.T),
        "pieces.rows.chips.hover": cuts[0].hover(WORDS),
        "pieces.rows.chips.under": [str(token) for token in ref.ids],
        "pieces.chosen": AT,
    }
    return said, shown


def table(_: Reference, cuts: list[Cut]) -> Expected:
    rows = cuts[0].table(WORDS)
    rows["bytes"] = numbered(rows["bytes"])
    return [("One row for each token", 16)], {f"tokens_table.{n}": v for n, v in rows.items()}


def merges(ref: Reference, cuts: list[Cut]) -> Expected:
    """Byte-pair encoding of the word, each time the pair that was learnt first."""
    begin = sum(len(cuts[0].data(token)) for token in ref.ids[:AT])
    words = ("Unbelievable", " caterpillars", " eat")
    word = next(word for word in words if begin < WORDS.index(word) + len(word))
    known = cuts[0].encoding._mergeable_ranks
    parts = [bytes([byte]) for byte in word.encode()]
    rows, ranks = [parts], [None]
    while pairs := [
        (known[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in known
    ]:
        token, i = min(pairs)
        parts = [*parts[:i], parts[i] + parts[i + 1], *parts[i + 2 :]]
        rows.append(parts)
        ranks.append(token - 256)
    begins = [start for row in rows for start in [0, *accumulate(map(len, row))][:-1]]
    hover = [f"bytes {part.hex(' ').upper()}" for row in rows for part in row]
    last = len(rows) - 1
    shown: dict[str, Any] = {
        "merged_word.label": [(AT,)],
        f"merges {word}": [0, last, last],
        "merges.rows.chips.position": begins,
        "merges.rows.chips.hover": numbered(hover),
        "merges.rows.name": [(rank,) for rank in ranks[1:]],
        "merges_table.step": range(len(rows)),
        "merges_table.rank": ranks[1:],
    }
    said = [("Each row is the word after one more merge", last), ("Rank {} was", 0, 1)]
    return said, shown


def side_by_side(ref: Reference, cuts: list[Cut]) -> Expected:
    counts = [len(cut.ids(WORDS)) for cut in cuts]
    rows = [cut.table(WORDS) for cut in cuts]
    sizes = zip(cuts, counts, strict=True)
    place = "side_by_side.rows"
    shown: dict[str, Any] = {
        f"{place}.name": ["GPT-2 BPE (this model's)", "UTF-8 bytes"],
        f"{place}.note": [(count, len(WORDS) / count, cut.size) for cut, count in sizes],
        f"{place}.chips.position": [i for each in rows for i in each["position"]],
        f"{place}.chips.hover": [hover for cut in cuts for hover in cut.hover(WORDS)],
        "side_by_side_table.tokenizer": numbered(
            cut.name for cut, count in zip(cuts, counts, strict=True) for _ in range(count)
        ),
    }
    for column in ("position", "id", "bytes", "characters"):
        values = [value for each in rows for value in each[column]]
        values = numbered(values) if column == "bytes" else values
        shown[f"side_by_side_table.{column}"] = values
    assert counts[0] == ref.T
    return [("The same text, cut in different ways", *counts)], shown


def costs(_: Reference, cuts: list[Cut]) -> Expected:
    shown: dict[str, Any] = {}
    rows: dict[str, list] = {name: [] for name in ("characters", "bytes", "tokens", "rate")}
    problems = []
    for i, cut in enumerate(cuts):
        can = [not isinstance(cut, Characters) or cut.can_write(t) for t in SENTENCES.values()]
        counts = [
            len(cut.ids(t)) if ok else 0 for t, ok in zip(SENTENCES.values(), can, strict=True)
        ]
        own = {"GPT-2 BPE": (2,), "UTF-8 bytes": (8,)}.get(cut.name, ())
        told = zip(SENTENCES.values(), counts, strict=True)
        shown |= {
            f"costs.{i}.y": counts,
            f"costs.{i}.text": [str(count) for count in counts if count],
            f"costs.{i}.customdata": [(*own, n, len(t), len(t) / n) for t, n in told if n],
        }
        if own:
            shown[f"costs.{i}.name"] = [cut.name]
    for text in SENTENCES.values():
        for cut in cuts:
            fits = not isinstance(cut, Characters) or cut.can_write(text)
            n = len(cut.ids(text)) if fits else None
            rows["characters"].append(len(text))
            rows["bytes"].append(len(text.encode()))
            rows["tokens"] += [n] if n else []
            rows["rate"] += [len(text) / n] if n else []
            problems += [] if fits else [cut.size]
    rows["characters_per_token"] = rows.pop("rate")
    shown |= {f"costs_table.{name}": values for name, values in rows.items()}
    shown["costs_table.tokenizer"] = ["GPT-2 BPE", "UTF-8 bytes"] * len(SENTENCES)
    shown["costs_table.problem"] = [lambda text, n=n: f" {n} characters" in text for n in problems]
    every = [cuts[0].hover(text) for text in SENTENCES.values()]
    shown["sentences.rows.chips.hover"] = [hover for row in every for hover in row]
    data = [cuts[0].data(token) for text in SENTENCES.values() for token in cuts[0].ids(text)]
    shown["sentences.rows.chips.piece"] = numbered(map(piece, data))
    shown["sentences.rows.chips.position"] = [i for row in every for i in range(len(row))]
    said = [
        ("A higher bar means more tokens", len(SENTENCES), len(cuts)),
        ("The five sentences", 2),
    ]
    return said, shown


def vocabulary(ref: Reference, cuts: list[Cut]) -> Expected:
    data = [cuts[0].data(token) for token in range(100)]
    shown = {
        "vocabulary_table.id": range(100),
        "vocabulary_table.piece": [*"0123456789"],
        "vocabulary_table.bytes": numbered(part.hex().upper() for part in data),
    }
    return [("The first {} of the {} tokens", 100, ref.V)], shown


TABS = {
    "table": table,
    "merges": merges,
    "side-by-side": side_by_side,
    "costs": costs,
    "vocabulary": vocabulary,
}


def look(read: Read, models: Models, tab: str) -> None:
    """One tab."""
    cuts = [Gpt2(models.encoding), Characters(), Cut("UTF-8 bytes", 256)]
    ids = cuts[0].ids(WORDS)
    tokens = [cuts[0].data(token).decode().replace(" ", "·") for token in ids]
    ref = Reference(models.theirs["words"], ids, tokens)
    numbers = ("merges", "side_by_side", "costs")
    page = read("tokens", numbers, tab=tab, model="words", prompt=WORDS, position=AT)
    page.holds(ref.around(AT), above_the_tabs(ref, cuts), TABS[tab](ref, cuts))


VIEWS = {tab: partial(look, tab=tab) for tab in TABS}
