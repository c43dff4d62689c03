"""What points and the law nearest to them say, as sentences in Markdown."""

import numpy as np
import pandas as pd

from gptviz.app.powers import large
from gptviz.subjects.scaling.analysis import COMPUTES, SIZES, Found
from gptviz.subjects.scaling.law_analysis import FEWEST, between
from gptviz.subjects.scaling.published_analysis import (
    D_EXPONENT,
    FLOOR,
    HOFFMANN,
    KAPLAN,
    RANGES,
    Axis,
    Published,
)

LETTERS: dict[Axis, str] = {"size": "N", "compute": "C"}
UNITS = {**{words: words for words in SIZES.values()}, **dict.fromkeys(COMPUTES.values(), "FLOPs")}
SURE = 2  # times: an exponent whose largest likely value is further from its least is hardly known


def fell(found: Found) -> str:
    """From where to where the loss went as the models, or the compute, grew."""
    first, last = found.points.iloc[0], found.points.iloc[-1]
    if len(found.points) == 1:
        return (
            f"With {_written(first[found.x])} {UNITS[found.x]}, the loss is "
            f"**{first['val_loss']:.3f}** nats a token."
        )
    times = last[found.x] / first[found.x]
    return (
        f"From {_written(first[found.x])} to {_written(last[found.x])} {UNITS[found.x]}, "
        f"{times:,.0f} times as many, the loss goes from {first['val_loss']:.3f} to "
        f"**{last['val_loss']:.3f}** nats a token."
    )


def law(found: Found, laws: np.ndarray, published: Published, axis: Axis) -> str:
    """The law, how far its numbers move with the models, and whether a paper's exponent fits."""
    if found.law is None:
        n, needed = found.n_models, FEWEST["floor" if published.floor else "line"]
        return f"This law needs {needed} models, and {n} {'is' if n == 1 else 'are'} there so far."
    letter, exponent = LETTERS[axis], found.law.exponent
    if found.law.floor or published.floor:
        head = (
            f"The nearest law falls towards a floor of **{found.law.floor:.2f}**, and what lies "
            f"above that as {letter} to the power −**{exponent:.3f}**"
        )
    else:
        head = (
            f"On the nearest straight line, the loss falls as {letter} to the power "
            f"−**{exponent:.3f}**: ten times as much of {letter} leaves {10**-exponent:.1%} of it"
        )
    if not len(laws):
        return f"{head}."
    low, high = between(laws[:, 2])
    told = (
        f"{head}. If the models are drawn anew, 95 of 100 exponents lie from {low:.3f} to "
        f"{high:.3f}"
    )
    if published.floor:
        floors = between(laws[:, 0])
        told += f", and floors from {floors[0]:.2f} to {floors[1]:.2f}"
    if high > SURE * max(low, 0):
        told += ": so few models hardly know it"
    return f"{told}. {_beside(low, high, published)}"


def _beside(low: float, high: float, published: Published) -> str:
    if low <= published.exponent <= high:
        where = "within that range"
    elif published.exponent < low:
        where = "below that range: there, the loss fell more slowly"
    else:
        where = "above that range: there, the loss fell faster"
    of_words = (
        f"; their floor of {published.floor} nats is that of pieces of words"
        if published.floor
        else ""
    )
    return f"{published.words} {published.exponent:.3f}, {where}{of_words}."


def _written(number: float) -> str:
    return f"{number:,.0f}" if number < 1e9 else large(number)


def limits(courses: pd.DataFrame) -> str:
    """What runs so small cannot say, with their numbers (from `analysis.courses`), as a list."""
    sizes, every = courses[SIZES["without"]], courses[SIZES["all"]]
    largest, tokens = sizes.max(), courses["tokens"].max()
    (n_steps, alike) = courses["steps"].max(), courses["steps"].nunique() == 1
    smallest = courses[sizes == sizes.min()].iloc[0]
    share = 1 - smallest[SIZES["without"]] / smallest[SIZES["all"]]
    said = {
        "Larger models": f"the largest has {largest:,} parameters without embeddings, "
        f"and the largest of {KAPLAN} has {RANGES[KAPLAN][1] / largest:,.0f} times as many. That a "
        "line goes on as it began is a guess; and what only large models can do is not seen here.",
        "More text": f"{'each model' if alike else 'the longest run'} reads {tokens:,} characters "
        f"in {n_steps:,} steps, so the law is that of so much reading. {KAPLAN} let each "
        f"size learn to its end, and {HOFFMANN} fit tokens as well (exponent {D_EXPONENT}): about "
        "that these runs say nothing.",
        "The floor": "it lies beyond the last point, where nothing was measured, and is what so "
        f"much reading leaves at any size. {HOFFMANN} found {FLOOR} nats a token, of pieces of "
        "words; a token here is one character, so losses and floors do not compare, only how they "
        "fall.",
        "Embeddings": f"of the smallest model's {every.min():,} parameters, {share:.0%} are "
        "embeddings, of a large model hardly any. Whether they count changes the exponent.",
        "Chance": "one seed each, and a learning rate by a rule. Another seed moves a loss by some "
        "thousandths or hundredths, and the exponent with it.",
    }
    return "\n".join(f"- **{title}**: {words}" for title, words in said.items())


def ranges(table: pd.DataFrame) -> str:
    """How large models are and how much they read, from `published_analysis.beside`."""
    head = list(table.columns)
    rows = [[row[0], *map(_written, row[1:])] for row in table.itertuples(index=False)]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
