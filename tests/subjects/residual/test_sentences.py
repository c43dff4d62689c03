"""A sentence from the numbers: by rules, which are these."""

import math

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.residual import sentences
from gptviz.subjects.residual.analysis import Lens
from gptviz.subjects.residual.surprise_analysis import TextLoss

ROWS = ["embedding", "L0", "L1", "L2 = output"]


def part_table(**parts: float) -> pd.DataFrame:
    names = {
        "mlp": "h.4.mlp",
        "head": "h.2.attn.z.3",
        "own": "wte",
        "place": "wpe",
        "bias": "biases",
    }
    return pd.DataFrame({"part": [names[name] for name in parts], "logit": parts.values()})


def test_the_part_that_gives_most_and_the_one_that_takes_most_are_named():
    table = part_table(own=0.3, head=-0.42, mlp=1.93)
    assert sentences.writers(table, "·queen", None) == (
        "“·queen” gains most from the MLP of layer 4 (+1.9) and loses most by head 3 of layer 2 "
        "(−0.42)."
    )


def test_two_tokens_are_told_as_a_difference():
    table = part_table(head=2.0, bias=-1.0)
    assert sentences.writers(table, "·queen", "·king") == (
        "“·queen” gains most over “·king” from head 3 of layer 2 (+2.0) and loses most by the "
        "biases (−1.0)."
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"own": 1.0, "mlp": 0.0}, "; nothing speaks against it."),
        ({"own": 0.0, "mlp": 0.0}, "Nothing speaks for “a”."),
        ({"place": 0.01, "mlp": -3.0}, "from the position's embedding (+0.010)"),
    ],
)
def test_nothing_is_claimed_that_is_not_there(values, told):
    assert told in sentences.writers(part_table(**values), "a", None)


@pytest.mark.parametrize(
    ("likeliest", "told"),
    [
        ([7, 7, 7, 7], "“b” leads from the embedding on, and ends with 25 %."),
        ([7, 1, 7, 7], "“b” leads from L1 on, and ends with 25 %."),
        ([1, 2, 3, 7], "“b” leads only in the last row, with 25 %: the last layer decides."),
        ([1, 7, 7, 7], "“b” leads from L0 on, and ends with 25 %."),
    ],
)
def test_the_answer_leads_from_the_row_after_the_last_that_says_something_else(likeliest, told):
    numbers = np.full((4, 1), 0.25)
    found = Lens(np.array(likeliest)[:, None], numbers, numbers)
    assert sentences.when_decided(found, 0, ROWS, "b") == told


def test_the_most_surprising_token_is_told_with_what_was_expected():
    table = pd.DataFrame(
        {
            "position": [1, 2],
            "token": ["·a", "·dragon"],
            "nats": [0.1, 9.0],
            "probability": [0.9, math.exp(-9)],
            "rank": [1, 1204],
            "expected": ["·a ·the", "·little ·man"],
        }
    )
    assert sentences.most_surprising(table, 50257) == (
        "The greatest surprise is token 2, “·dragon”: the model gave it less than 0.1 %, as number "
        "1,204 of 50,257. It expected “·little” most."
    )


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        (
            math.log(40),
            "chose among 40 equally likely tokens each time. A guess that knows nothing",
        ),
        (math.log(3.6), "chose among 3.6 equally"),
        (math.log(2000), "That is no better than a guess that knows nothing, among all 100."),
    ],
)
def test_the_loss_is_told_as_a_choice_among_equals(loss, told):
    whole = TextLoss(loss, math.exp(loss), 1.0, math.log(100))
    assert told in sentences.as_unsure_as(whole, 100)


@pytest.mark.parametrize(
    ("cosine", "told"),
    [
        (0.5, "along what was there already (cosine +0.50)"),
        (-0.5, "against what was there already: it takes something away"),
        (0.02, "across what was there already: it says something new (cosine +0.020)"),
    ],
)
def test_the_longest_part_is_told_with_its_direction(cosine, told):
    table = pd.DataFrame(
        {
            "part": ["h.0.attn", "h.0.mlp"],
            "norm": [1.0, 11.53],
            "cosine_stream": [0.9, cosine],
        }
    )
    sentence = sentences.longest(table, "·a")
    assert sentence.startswith("To “·a”, the MLP of layer 0 adds the longest vector (11.5).")
    assert told in sentence


@pytest.mark.parametrize(
    ("p", "told"), [(0.0004, "less than 0.1 %"), (0.0123, "1.2 %"), (0.57, "57 %"), (1.0, "100 %")]
)
def test_probabilities_are_told_as_people_say_them(p, told):
    assert sentences.percent(p) == told
