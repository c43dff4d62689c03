"""What the numbers of the residual stream say, as a sentence each, by rules; plain text."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from gptviz.subjects.residual.analysis import Lens
from gptviz.subjects.residual.surprise_analysis import TextLoss

ALONG = 0.2  # a cosine beyond this is told as a direction
EVERYDAY = 0.001  # a probability below this is told as "less than"


def percent(p: float) -> str:
    """A probability as people say it."""
    if p < EVERYDAY:
        return "less than 0.1 %"
    return f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"


def most_surprising(table: pd.DataFrame, vocab_size: int) -> str:
    """Which token came as the greatest surprise, from `surprise_table`."""
    row = table.loc[table["nats"].idxmax()]
    likeliest = str(row["expected"]).split(" ")[0]
    return (
        f"The greatest surprise is token {row['position']}, “{row['token']}”: the model gave it "
        f"{percent(row['probability'])}, as number {row['rank']:,} of {vocab_size:,}. It "
        f"expected “{likeliest}” most."
    )


def as_unsure_as(loss: TextLoss, vocab_size: int) -> str:
    """The loss of a text in words first."""
    choice = f"{loss.perplexity:,.1f}" if loss.perplexity < 10 else f"{loss.perplexity:,.0f}"
    beats = loss.loss < loss.uniform
    knows = (
        f"A guess that knows nothing chooses among all {vocab_size:,}: this is the mark to beat."
        if beats
        else f"That is no better than a guess that knows nothing, among all {vocab_size:,}."
    )
    return (
        f"On this text the model is as unsure as if it chose among {choice} equally likely tokens "
        f"each time. {knows}"
    )


def when_decided(found: Lens, position: int, rows: Sequence[str], answer: str) -> str:
    """From which row of the lens on the answer leads, after one position."""
    same = found.likeliest[:, position] == found.likeliest[-1, position]
    first = len(same) - int(np.argmin(same[::-1])) if not same.all() else 0
    p = percent(float(found.probability[-1, position]))
    if first == 0:
        return f"“{answer}” leads from the embedding on, and ends with {p}."
    if first == len(same) - 1:
        return f"“{answer}” leads only in the last row, with {p}: the last layer decides."
    return f"“{answer}” leads from {rows[first]} on, and ends with {p}."


def writers(table: pd.DataFrame, token: str, against: str | None) -> str:
    """Which parts raise and lower a logit most, from `part_table`."""
    best, worst = (table.loc[at] for at in (table["logit"].idxmax(), table["logit"].idxmin()))
    over = f" over “{against}”" if against else ""
    if not best["logit"] > 0:
        return f"Nothing speaks for “{token}”{over}."
    gains = f"“{token}” gains most{over} from {named(best['part'])} ({_signed(best['logit'])})"
    if not worst["logit"] < 0:
        return f"{gains}; nothing speaks against it."
    return f"{gains} and loses most by {named(worst['part'])} ({_signed(worst['logit'])})."


def longest(table: pd.DataFrame, token: str) -> str:
    """Which part adds the longest vector, and where it points, from `added`."""
    row = table.loc[table["norm"].idxmax()]
    cosine = float(row["cosine_stream"])
    if cosine > ALONG:
        way = "along what was there already"
    elif cosine < -ALONG:
        way = "against what was there already: it takes something away"
    else:
        way = "across what was there already: it says something new"
    return (
        f"To “{token}”, {named(row['part'])} adds the longest vector ({row['norm']:.1f}). It "
        f"points {way} (cosine {_signed(cosine)})."
    )


def named(part: str) -> str:
    """A part of the network in words: h.3.attn.z.1 is head 1 of layer 3."""
    match part.split("."):
        case ["wte"]:
            return "the token's own embedding"
        case ["wpe"]:
            return "the position's embedding"
        case ["h", layer, "attn", "z", head]:
            return f"head {head} of layer {layer}"
        case ["h", layer, "attn"]:
            return f"the attention of layer {layer}"
        case ["h", layer, "mlp"]:
            return f"the MLP of layer {layer}"
    return "the biases"


def _signed(value: float) -> str:
    size = abs(value)
    text = (
        f"{size:.1f}" if size >= 1 or size == 0 else f"{size:.{1 - math.floor(math.log10(size))}f}"
    )
    return f"{'−' if value < 0 else '+'}{text}"
