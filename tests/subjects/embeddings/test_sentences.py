"""What is said of the tokens of a text."""

import numpy as np

from gptviz.subjects.embeddings.sentences import most_alike

COSINES = np.array([[1.0, 0.2, 0.7], [0.2, 1.0, -0.3], [0.7, -0.3, 1.0]])


def test_the_token_most_like_the_chosen_one_is_another_one():
    told = most_alike(COSINES, ["a", "b", "c"], 2)
    assert told == "Number 2, “c”, is most like number 0, “a”, of this text's other tokens: a " + (
        "cosine of 0.70."
    )
    assert "most like number 1" in most_alike(COSINES, ["a", "b", "a"], 0)


def test_where_all_point_away_none_is_called_alike():
    told = most_alike(-np.abs(COSINES), ["a", "b", "c"], 0)
    assert "is least unlike number 1, “b”, of" in told
    assert told.endswith("a cosine of -0.20.")


def test_a_text_of_one_token_has_no_other():
    assert most_alike(np.ones((1, 1)), ["a"], 0) == ""
