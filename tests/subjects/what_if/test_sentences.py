"""The sentences under the pictures say what the numbers say."""

import math

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.what_if import sentences
from gptviz.subjects.what_if.changes_analysis import Effect


def effect(before, after, kl=1.0, losses=(2.0, 3.0)) -> Effect:
    table = pd.DataFrame(
        {"token": ["·a", "·b"], "id": [1, 2], "before": before, "after": after}, index=[0, 1]
    )
    return Effect(table, kl, *losses, np.zeros((1, 2)))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (effect([0.7, 0.2], [0.1, 0.6]), r"70\u00a0% to 10\u00a0%, and now .*b\*\* is likeliest"),
        (effect([0.7, 0.2], [0.5, 0.4]), r"stays the likeliest .* from 70\u00a0% to 50\u00a0%"),
        (effect([0.7, 0.2], [0.7, 0.2], kl=0.001), r"hardly changes: .* 0\.001 nats"),
        (effect([0.7, 0.2], [0.0001, 0.02]), r"to below 0\.1\u00a0%, and now .* 2\.0\u00a0%"),
    ],
)
def test_of_the_next_token(found, words):
    import re

    assert re.search(words, sentences.of_effect(found))


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ((2.0, 3.0), "worse: 3.00 nats a token, before 2.00"),
        ((3.0, 2.0), "better: 2.00 nats a token, before 3.00"),
        ((2.0, 2.001), "as well as before: 2.00"),
        ((2.0, math.inf), "no chance at all"),
    ],
)
def test_of_the_loss(losses, words):
    assert words in sentences.of_loss(effect([0.7, 0.2], [0.7, 0.2], losses=losses))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ((1, 2, 3), (1, 2, 3), "the very same 3 tokens"),
        ((1, 2, 3), (1, 2, 4), "write the same 2 tokens; then they part"),
        ((1, 2, 3), (1,), "write the same token; then they part"),
        ((1, 2), (3, 2), "already the first token is another"),
        ((), (), "nothing can be written after it"),
    ],
)
def test_of_two_texts(before, after, words):
    assert words in sentences.of_texts(before, after)


def test_of_attention_and_of_heads():
    moved = np.array([[0.0, 0.4], [0.05, 0.1]])
    assert sentences.of_attention(moved, 0, 1) == (
        "**L0 H1** changes where it looks most: one of its weights by 0.40. Of 4 heads, 2 change "
        "some weight by 0.1 or more."
    )
    assert "anywhere else" in sentences.of_attention(np.zeros((1, 1)), 0, 0)
    values = np.array([[0.1, -0.3], [0.2, 0.0]])
    assert "**L1 H0** the loss of the text rises most, by 0.20" in sentences.of_heads(
        values, "loss", "·a"
    )
    assert "**L0 H1** “·a” loses most: 30 percentage points" in sentences.of_heads(
        values, "likeliest", "·a"
    )
    assert "No single head" in sentences.of_heads(values * 0.001, "kl", "·a")
