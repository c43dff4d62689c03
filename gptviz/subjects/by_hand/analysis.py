"""Exercises with scores of a run: a weight of attention, the probability of a token, a loss.

A seed draws which one: which token is looked at, which candidate. Drawn are those that a
calculator can find from a few digits.
"""

import math

import pandas as pd
import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.measures import surprisal
from gptviz.subjects.by_hand.steps_analysis import (
    DECIMALS,
    Exercise,
    Step,
    added_up,
    bracketed,
    drawn,
    round_as_shown,
    written,
)

PRODUCTS = 4  # that stand in a sum by themselves; the rest is added up already
OTHERS = 3  # tokens that stand beside the chosen one by themselves
LEAST_SHARE = 0.02  # of a weight or a probability that is asked for
LEAST_CHANCE = 1e-12  # of a token whose loss is asked for


def attention_cell(trace: Trace, layer: int, head: int, position: int, seed: int) -> Exercise:
    """One weight of a head: q·k, the division by √d, and softmax over the row of a position.

    The token that is looked at is one of those with a weight of LEAST_SHARE or more. (Vaswani et
    al., 2017, Attention Is All You Need) Raises ValueError for a model without attention.
    """
    trace.config.require_attention()
    at = f"h.{layer}.attn"
    q, k, scores, weights = (
        trace[f"{at}.{name}"][head].double() for name in ("q", "k", "scores", "pattern")
    )
    row = scores[position, : position + 1]
    key = drawn(seed, weights[position, : position + 1], LEAST_SHARE)
    products = q[position] * k[key]
    parts, table = _products(q[position], k[key])
    fit = Step("fit", {"sum": added_up(parts)}, sum(parts), float(products.sum()), 0.005)
    d = len(products)
    root = round_as_shown(math.sqrt(d))
    score = Step(
        "score",
        {"fit": fit.shown, "d": str(d), "root": written(root)},
        round_as_shown(fit.answer) / root,
        float(row[key]),
        0.005,
    )
    return Exercise(
        "attention",
        f"{at}.pattern[{head}, {position}, {key}]",
        {
            "layer": str(layer),
            "head": str(head),
            "query": trace.tokens[position],
            "query_at": str(position),
            "key": trace.tokens[key],
            "key_at": str(key),
        },
        (fit, score, *_softmax(row, key, round_as_shown(score.answer))),
        table,
    )


def softmax(trace: Trace, temperature: float, position: int, seed: int) -> Exercise:
    """The probability of a next token at a temperature above 0: ÷ T, e to it, ÷ the sum of all.

    The candidate is one with a probability of LEAST_SHARE or more.
    """
    logits = trace.logits[position].double()
    scaled = logits / temperature
    token = drawn(seed, scaled.softmax(-1), LEAST_SHARE)
    # A small temperature makes much of little: then more decimals are needed.
    fine = DECIMALS + max(0, math.ceil(-math.log10(temperature)))
    logit = round_as_shown(float(logits[token]), fine)
    divided = Step(
        "divided",
        {"logit": written(logit, fine), "temperature": f"{temperature:g}"},
        logit / temperature,
        float(scaled[token]),
        0.005,
    )
    steps = _softmax(scaled, token, round_as_shown(divided.answer))
    return Exercise(
        "softmax",
        f"softmax(logits[{position}] / {temperature:g})[{token}]",
        {
            "token": trace.tokenizer.pieces([token])[0],
            "at": str(position),
            "after": trace.tokens[position],
            "temperature": f"{temperature:g}",
        },
        (divided, *steps),
    )


def cross_entropy(trace: Trace, position: int) -> Exercise:
    """The loss of a token that came, −ln p, that of the whole text, and its perplexity.

    Raises ValueError for the first token, of which nothing was expected, and for a token that
    the model gave less than LEAST_CHANCE.
    """
    if not 0 < position < len(trace.ids):
        raise ValueError("nothing was expected of the first token; choose a later position")
    nats = surprisal(trace.logits.double(), trace.ids)[1:]
    own = float(nats[position - 1])
    if own > -math.log(LEAST_CHANCE):
        raise ValueError(
            f"the model gave token {position} next to no chance, less than a calculator shows; "
            f"choose another position"
        )
    p = round_as_shown(math.exp(-own))
    loss = Step("loss", {"p": written(p)}, -math.log(p) + 0.0, own, 0.005)
    others = round_as_shown(float(nats.sum()) - own)
    n = len(nats)
    mean = Step(
        "mean",
        {"loss": loss.shown, "others": written(others), "n": str(n), "n_others": str(n - 1)},
        (round_as_shown(loss.answer) + others) / n,
        float(nats.mean()),
        0.005,
    )
    perplexity = Step(
        "perplexity",
        {"mean": mean.shown},
        math.exp(round_as_shown(mean.answer)),
        math.exp(float(nats.mean())),
    )
    return Exercise(
        "cross-entropy",
        "−ln softmax(logits)",
        {"token": trace.tokens[position], "at": str(position)},
        (loss, mean, perplexity),
    )


def _softmax(values: Tensor, chosen: int, shown: float) -> tuple[Step, Step]:
    """e to one value less the largest one, and its share of the sum of all."""
    largest = int(values.argmax())
    top = shown if chosen == largest else round_as_shown(float(values[largest]))
    powers = (values - values[largest]).exp()
    power = Step(
        "power",
        {"value": written(shown), "largest": bracketed(written(top))},
        math.exp(shown - top),
        float(powers[chosen]),
    )
    others = torch.cat([powers[:chosen], powers[chosen + 1 :]]).sort(descending=True).values
    parts = [round_as_shown(float(part)) for part in others[:OTHERS]]
    parts.append(round_as_shown(float(others[OTHERS:].sum())))
    found = round_as_shown(power.answer)
    share = Step(
        "share",
        {"power": power.shown, "others": added_up(parts)},
        found / (found + sum(parts)),
        float(values.softmax(-1)[chosen]),
    )
    return power, share


def _products(q: Tensor, k: Tensor) -> tuple[list[float], pd.DataFrame]:
    """The largest products of two vectors and the sum of all others, and a table of these rows."""
    products = q * k
    order = products.abs().argsort(descending=True).tolist()
    rows, parts = [], []
    for i in order[:PRODUCTS]:
        parts.append(round_as_shown(float(products[i])))
        rows.append((str(i), written(float(q[i])), written(float(k[i])), written(parts[-1])))
    if rest := order[PRODUCTS:]:
        parts.append(round_as_shown(float(products[rest].sum())))
        rows.append((f"the other {len(rest)}", "", "", written(parts[-1])))
    return parts, pd.DataFrame(rows, columns=["dimension", "q", "k", "q × k"])
