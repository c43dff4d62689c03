"""A sentence from the numbers of an MLP: by rules, which are these."""

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.mlp import sentences
from gptviz.subjects.mlp.analysis import Neuron

TOKENS = pd.DataFrame({"token": ["·her", "·she", "·queen", "·a"], "id": range(4), "effect": 1.0})


def test_how_many_units_are_above_0_and_which_is_furthest_from_it():
    table = pd.DataFrame({"neuron": [0, 1, 2, 3], "pre": [1, -2, 0, 3.0], "act": [1, -0.1, 0, 3]})
    assert sentences.at_work(table, 2, "·king") == (
        "At “·king”, 2 of the 4 hidden units of layer 2 are above 0 (50 %). Furthest from 0 is "
        "neuron 3 (+3.00)."
    )


@pytest.mark.parametrize(
    ("pre", "told"),
    [
        (
            [-1.0, 2.0],
            "On this text, neuron 5 fires most at token 1, “b” (+2.00). Where it fires, ",
        ),
        ([-1.0, -2.0], "Neuron 5 stays below 0 on every token of this text"),
    ],
)
def test_where_a_unit_fires_and_what_it_promotes(pre, told):
    fires = pd.DataFrame({"position": [0, 1], "token": ["a", "b"], "pre": pre, "act": pre})
    sentence = sentences.what_it_does(Neuron(TOKENS, TOKENS, TOKENS), fires, 5)
    assert sentence.startswith(told)
    assert sentence.endswith("it promotes “·her”, “·she”, “·queen”.")


def test_the_busiest_and_the_calmest_layer():
    assert sentences.how_busy(np.array([[0.1, 0.2], [0.5, 0.5]])) == (
        "Busiest is layer 1: on average 50 % of its hidden units are above 0. In layer 0 it is "
        "15 %."
    )
    assert sentences.how_busy(np.array([[0.5]])) == (
        "On average 50 % of the hidden units are above 0."
    )
