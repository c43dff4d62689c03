"""What is said of points and laws follows from their numbers."""

import numpy as np
import pandas as pd
import pytest

from gptviz.subjects.scaling import sentences
from gptviz.subjects.scaling.analysis import Found
from gptviz.subjects.scaling.law_analysis import PowerLaw
from gptviz.subjects.scaling.published_analysis import PUBLISHED, beside

N, SIX = "parameters without embeddings", "6 · N · tokens"


def found(law: PowerLaw | None, x: str = N, n: int = 8) -> Found:
    numbers, losses = np.geomspace(2000, 200_000, n), np.linspace(2.5, 1.5, n)
    if x == SIX:
        numbers = numbers * 1e9
    points = pd.DataFrame({"model": "1 × 16", x: numbers, "val_loss": losses})
    return Found(points, x, law, (numbers, losses, np.arange(n)))


def laws(*exponents: float, floor: float = 0.0) -> np.ndarray:
    return np.array([[floor, 1.0, exponent] for exponent in exponents])


def test_where_the_loss_went():
    told = sentences.fell(found(None))
    assert told == (
        "From 2,000 to 200,000 parameters without embeddings, 100 times as many, the loss goes "
        "from 2.500 to **1.500** nats a token."
    )
    alone = sentences.fell(found(None, n=1))
    assert alone == "With 2,000 parameters without embeddings, the loss is **2.500** nats a token."
    assert "From 2.0 · 10¹² to 2.0 · 10¹⁴ FLOPs, 100 times" in sentences.fell(found(None, SIX))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.07, 0.08, "found 0.076, within that range."),
        (0.08, 0.09, "found 0.076, below that range: there, the loss fell more slowly."),
        (0.05, 0.06, "found 0.076, above that range: there, the loss fell faster."),
    ],
)
def test_a_published_exponent_is_compared_with_the_range(low, high, words):
    line = PowerLaw(0, 3.0, 0.301)
    told = sentences.law(found(line), laws(low, high), PUBLISHED["size", "line"], "size")
    assert told.startswith(
        "On the nearest straight line, the loss falls as N to the power −**0.301**: ten times"
    )
    assert "leaves 50.0% of it. If the models are drawn anew, 95 of 100 exponents lie from" in told
    assert told.endswith(f"Kaplan et al. (2020) {words}")
    assert "hardly know" not in told


def test_a_law_that_is_hardly_known_says_so_and_a_floor_is_told():
    law = PowerLaw(1.25, 3.0, 0.3)
    told = sentences.law(found(law), laws(0.1, 0.9, floor=1.0), PUBLISHED["size", "floor"], "size")
    assert (
        "falls towards a floor of **1.25**, and what lies above that as N to the power −**0.300**"
        in told
    )
    assert "and floors from 1.00 to 1.00: so few models hardly know it." in told
    compute = PUBLISHED["compute", "floor"]
    told = sentences.law(found(law, SIX), laws(0.1, 0.11), compute, "compute")
    assert "as C to the power −**0.300**" in told
    assert "The law of Hoffmann et al. (2022) gives 0.154, above that range" in told


def test_few_models_have_no_law_or_no_range():
    few = found(None, n=2)
    line, floor = PUBLISHED["size", "line"], PUBLISHED["size", "floor"]
    assert sentences.law(few, laws(), line, "size") == (
        "This law needs 3 models, and 2 are there so far."
    )
    assert "needs 4 models, and 1 is there" in sentences.law(
        found(None, n=1), laws(), floor, "size"
    )
    told = sentences.law(found(PowerLaw(0, 3, 0.1)), np.empty((0, 3)), line, "size")
    assert told.endswith("leaves 79.4% of it.")


def test_what_such_runs_cannot_say_is_told_with_their_numbers():
    table = pd.DataFrame(
        {
            "model": ["1 × 16", "2 × 32"],
            N: [3000, 30_000],
            "all parameters": [5000, 35_000],
            "tokens": [2048, 2048],
            "steps": [2, 2],
        }
    )
    told = sentences.limits(table)
    assert "the largest has 30,000 parameters without embeddings" in told
    assert "Kaplan et al. (2020) has 50,000 times as many" in told
    assert "each model reads 2,048 characters in 2 steps" in told
    assert "of the smallest model's 5,000 parameters, 40% are embeddings" in told
    assert sentences.ranges(beside(table)).splitlines()[2:] == [
        "| these runs | 3,000 | 30,000 | 2,048 | 2,048 |",
        "| Kaplan et al. (2020) | 768 | 1.5 · 10⁹ | 22,000,000 | 2.3 · 10¹⁰ |",
        "| Hoffmann et al. (2022) | 70,000,000 | 1.6 · 10¹⁰ | 5.0 · 10⁹ | 5.0 · 10¹¹ |",
    ]
