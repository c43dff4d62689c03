"""Each sentence says what its numbers say."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.compare import layer_sentences, sentences
from gptviz.subjects.compare.analysis import Apart, Pairing
from gptviz.subjects.compare.neighbours_analysis import Neighbours

ABC = ("a", "b", "c")


def pair(left=ABC, right=ABC, **more) -> Pairing:
    usual = {"same_weights": False, "same_vocabulary": True, "layers": (2, 2), "heads": (4, 4)}
    return Pairing(left=tuple(left), right=tuple(right), **{**usual, **more})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pair(same_weights=True), "Both sides are the same, so every difference is 0"),
        (pair(), "read the same 3 tokens, so everything can be compared"),
        (pair(right="axc"), "3 tokens, one of which differs: attention and the lens are compared"),
        (pair(right="xyc", same_weights=True), "3 tokens, 2 of which differ"),
        (pair(right="abcd"), "The left text has 3 tokens and the right one 4: next tokens"),
        (pair(same_vocabulary=False), "but cut this text into the same 3 tokens: everything"),
        (
            pair(right="abd", same_vocabulary=False),
            "cut into different tokens, 3 and 3: next tokens and neighbours are compared by",
        ),
    ],
)
def test_what_can_be_compared_and_what_not(given, said):
    assert said in sentences.of_pair(given)


def test_shapes_are_told_where_they_differ():
    assert sentences.of_shapes(pair()) is None
    assert sentences.of_shapes(pair(layers=(6, 3), heads=(8, 4))) == (
        "The left model has 6 layers of 8 heads, the right one 3 of 4: what only one has is shown "
        "on its side alone."
    )
    assert sentences.of_shapes(pair(layers=(6, 0), heads=(8, 0))) == (
        "The left model has 6 layers of 8 heads, the right one no layers: what only one has is "
        "shown on its side alone."
    )
    told = sentences.of_shapes(pair(layers=(2, 2), heads=(0, 4)))
    assert told is not None
    assert "has 2 layers without attention, the right one 2 layers of 4 heads" in told


def apart(left, right, tv=0.3, kl=0.25, shared=(1.0, 1.0)) -> Apart:
    table = pd.DataFrame({"token": ["·x", "*y*"], "left": left, "right": right})
    return Apart(table, table, tv, kl, shared)


def test_the_next_token():
    assert sentences.of_next(apart([0.5, 0.1], [0.2, 0.05])) == (
        "Both sides expect “**·x**” most: the left with 50\u00a0%, the right with 20\u00a0%."
    )
    assert sentences.of_next(apart([0.5, np.nan], [0.0004, 0.05])) == (
        "The left expects “**·x**” most, with 50\u00a0%; the right expects “**\\*y\\***”, with "
        "5.0\u00a0%."
    )
    assert sentences.of_next(apart([0.5, 0.1], [0.5, 0.1], tv=0)) == (
        "Both sides expect the same: “**·x**” is likeliest, with 50\u00a0%."
    )


def test_how_far_guesses_are_apart():
    said = sentences.of_distance(apart([0.5, 0.1], [0.2, 0.05]))
    assert said.startswith("To turn one guess into the other, 30\u00a0% of the probability")
    assert said.endswith("The KL divergence is 0.25 nats.")
    assert "infinite" in sentences.of_distance(apart([0.5, 0.1], [0.2, 0.05], kl=math.inf))
    assert "Hardly any" in sentences.of_distance(apart([0.5, 0.1], [0.5, 0.1], tv=0.001))
    assert sentences.of_shared(apart([0.5, 0.1], [0.5, 0.1])) is None
    told = sentences.of_shared(apart([0.5, 0.1], [0.5, 0.1], shared=(0.75, 0.9996)))
    assert told.startswith("25\u00a0% of the left's probability and below 0.1\u00a0% of the")


def near(shared: int, of_each: int = 8) -> Neighbours:
    ranks = [*range(1, shared + 1), 99, None]
    table = pd.DataFrame({"token": [f"·{i}" for i in range(len(ranks))]})
    table["left_rank"] = pd.Series(range(1, len(ranks) + 1), dtype="Int64")
    table["right_rank"] = pd.Series(ranks, dtype="Int64")
    word = SimpleNamespace(pieces=("·w",), several=False, label="·w")
    return Neighbours(word, word, table, of_each, shared, (0, 0))


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        (0, "none is the same"),
        (1, "one is the same: “**·0**”."),
        (2, "2 are the same: “**·0**”, “**·1**”."),
        (6, "6 are the same: “**·0**”, “**·1**”, “**·2**”, “**·3**”, “**·4**” …"),
        (8, "The 8 tokens nearest to the word are the same on both sides."),
    ],
)
def test_neighbours(shared, said):
    assert said in sentences.of_neighbours(near(shared), pair())


def test_one_model_has_one_set_of_neighbours():
    assert "same model" in sentences.of_neighbours(near(8), pair(same_weights=True))


def test_a_word_that_both_sides_read_alike_needs_no_sentence():
    found = near(1)
    assert sentences.of_word(found) is None
    split = SimpleNamespace(pieces=("w", "*"), several=True, label="w + *")
    other = Neighbours(found.left, split, found.table, 8, 1, (0, 0))
    assert "the right as **w \\+ \\***" in sentences.of_word(other)


def test_a_head():
    left, right = np.eye(2), np.array([[1.0, 0.0], [0.75, 0.25]])
    said = layer_sentences.of_head(left, right, (["a", "b"], ["a", "x"]), "L1 H0")
    assert said == (
        "**L1 H0** differs most where 1 “b \\/ x” looks at 0 “a”: weight 0.00 on the left, 0.75 on "
        "the right."
    )
    same = layer_sentences.of_head(left, left, (["a", "b"], ["a", "b"]), "L1 H0")
    assert "no weight differs" in same
    assert layer_sentences.of_lone_head("L1 H0", on_the_left=False) == (
        "Only the right model has **L1 H0**."
    )


@pytest.mark.parametrize(
    ("distances", "said"),
    [
        ([[0.0, 0.001]], "Every head looks at the same places"),
        ([[0.1, 0.3]], "None of 2 heads has a weight that differs by 0.5; **L0 H1** comes"),
        (
            [[0.1, 0.7]],
            "One of 2 heads has a weight that differs by 0.5 or more: **L0 H1**, by",
        ),
        (
            [[0.9, 0.7]],
            "2 of 2 heads have a weight that differs by 0.5 or more, most of all",
        ),
    ],
)
def test_heads(distances, said):
    assert said in layer_sentences.of_heads(np.array(distances))


@pytest.mark.parametrize(
    ("distances", "said"),
    [
        ([0.0, 0.05, 0.09], "nearly the same: never does more than 9.0\u00a0% of the"),
        ([0.2, 0.9, 0.3], "differ from the first row on, most in row **L0**, where 90\u00a0%"),
        (
            [0.0, 0.05, 0.5],
            "Up to row **L0** both sides would say nearly the same. They part",
        ),
        ([0.0, 0.3, 0.5], "They part in row **L0** and are furthest apart in row **L1**"),
        ([0.0, 0.3, np.nan], "They part in row **L0**, where 30\u00a0%"),
    ],
)
def test_the_lens(distances, said):
    way = pd.DataFrame({"total_variation": distances})
    assert said in layer_sentences.of_lens(way, ["embedding", "L0", "L1"])


def test_cells_of_the_lens():
    values = np.array([[0.1, 0.2], [0.6, 0.3]])
    said = layer_sentences.of_cells(values, ["embedding", "L0"], ["a", "b"])
    assert said.startswith("Furthest apart is row **L0** after token 0 “a”: 60\u00a0%")
    assert "same in every cell" in layer_sentences.of_cells(values * 0, ["e", "L0"], ["a", "b"])
