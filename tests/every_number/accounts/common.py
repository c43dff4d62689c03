"""What several pages show, out of a reference's numbers."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from accounts.reference import COUNTS, LETTERS, SHAPE, TEXT, Reference, of_letters
from accounts.shown import NUMBER, Page
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

Expected = tuple[list[tuple], dict[str, Any]]
Read = Callable[..., Page]  # opens a page, with numbers behind pictures and buttons pressed


@dataclass
class Models:
    """The models that the pages look at, and what tiktoken makes of GPT-2's vocabulary."""

    root: Path
    theirs: dict[str, GPT2LMHeadModel]  # by name, in double precision
    encoding: tiktoken.Encoding

    @cached_property
    def ref(self) -> Reference:
        """The text in the model of letters."""
        return of_letters(self.theirs["odd"], TEXT)

    @cached_property
    def other(self) -> Reference:
        """Another text, of as many letters, in another model."""
        return of_letters(self.theirs["other"], "a sea. a be")


def saved(root: Path, encoding: tiktoken.Encoding) -> Models:
    """Have transformers save small random models of odd shapes into a folder.

    "odd" and "other" read letters, "words" GPT-2's tokens.
    """
    shapes = {"odd": {}, "other": {"n_layer": 2}, "words": {"vocab_size": 50257, "n_layer": 1}}
    theirs = {}
    for seed, (name, more) in enumerate(shapes.items()):
        config = GPT2Config(**SHAPE | more, bos_token_id=None, eos_token_id=None)
        config._attn_implementation = "eager"
        model = GPT2LMHeadModel(config).eval()
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.4, generator=generator)
        model.save_pretrained(root / name)
        theirs[name] = model.double()
    for name in ("odd", "other"):
        CharacterTokenizer(LETTERS).save(root / name)
    GPT2Tokenizer().save(root / "words")
    np.savez(root / "odd" / "token_counts.npz", counts=COUNTS)
    return Models(root, theirs, encoding)


def below(limit: float):
    """A number that is what rounding leaves of 0."""
    return lambda value: 0 <= value <= limit


def told(p: float) -> float:
    """A probability in a sentence, which says "less than 0.1 %" of a small one."""
    return max(p, 0.001)


def digits(number: float, n: int) -> float:
    """A number of which only so many digits count."""
    return float(f"{number:.{n}g}")


def scientific(*values: float) -> list[float]:
    """Numbers as the page writes them: small ones as digits times ten."""
    return [
        part
        for value in values
        for part in (
            [value]
            if 0.001 <= value < 10_000
            else [value / 10 ** math.floor(math.log10(value)), 10]
        )
    ]


def heads_by(key: str, values: np.ndarray) -> dict[str, Any]:
    """A column of a table with a row for each head, (L, H), or for each token of each layer."""
    layers, columns = np.indices(values.shape).reshape(2, -1)
    return {f"{key}_table.layer": layers, f"{key}_table.head": columns}


def chips(key: str, count: int, chosen: int) -> dict[str, Any]:
    """A row of tokens."""
    return {f"{key}.rows.chips.position": range(count), f"{key}.chosen": chosen}


def numbered(texts: Iterable[str]) -> list[str]:
    """Those of some texts that hold a number."""
    return [text for text in texts if NUMBER.search(text)]


def ticks(values: np.ndarray) -> list[tuple[float]]:
    """What stands beside an axis that multiplies."""
    low, high = math.floor(math.log10(values.min())), math.ceil(math.log10(values.max()))
    factors = (1, 2, 5) if high - low <= 3 else (1,)
    return [(factor * 10.0**power,) for power in range(low, high + 1) for factor in factors]


def surprise(ref: Reference, at: int) -> Expected:
    """How surprising each token was, and what was expected in place of the one at a position."""
    log_p, ids = ref.log_p[:-1], ref.ids[1:]
    nats = -log_p[range(len(ids)), ids]
    ranks = 1 + (log_p > -nats[:, None]).sum(-1)
    most = int(nats.argmax())
    p = np.exp(-nats)
    row = log_p[at - 1]
    top = np.argsort(-row)[:5].tolist()
    top += [ref.ids[at]] if ref.ids[at] not in top else []
    loss = nats.mean()
    guess = math.log(ref.V)
    beats = "this is the mark" if loss < guess else "no better than"
    said = [
        ("The greatest surprise is token {}", most + 1, max(p[most], 0.001), ranks[most], ref.V),
        ("knew it", 0, guess),
        ("The stronger the colour", "−ln softmax(logits)", ref.T - 1, math.log(2)),
        ("in place of token {}", at),
        (beats, math.exp(loss), ref.V),
        ("^{} nats", loss),
        ("^{}", math.exp(loss)),
        ("^{} bits", loss / math.log(2)),  # each letter is a byte
        ("^{} nats", guess),
    ]
    shown = {
        "surprise.rows.chips.hover": [*zip(nats, p, ranks, strict=True)],
        "surprise.rows.chips.position": range(ref.T),
        "surprise.chosen": at,
        "surprise_table.position": range(1, ref.T),
        "surprise_table.nats": nats,
        "surprise_table.probability": p,
        "surprise_table.rank": ranks,
        "expected.id": top,
        "expected.rank": [1 + int((row > row[token]).sum()) for token in top],
        "expected.probability": np.exp(row[top]),
    }
    return said, shown
