"""What is said of a vector before and after a norm."""

import pandas as pd
import pytest

from gptviz.subjects.layer_norms.sentences import spread


@pytest.mark.parametrize(
    ("before", "after", "end"),
    [
        (4.0, 0.25, "and after it 0.5 (one standard deviation): 4 times narrower."),
        (0.25, 4.0, ": 4 times wider."),
        (1.0, 1.04, ": about the same."),
        (0.0, 1.0, "after it 1 (one standard deviation)."),
    ],
)
def test_how_far_the_numbers_lie_is_told_by_rules(before, after, end):
    moments = pd.DataFrame(
        {"step": ["before", "normalised", "after"], "variance": [before, 1.0, after]}
    )
    assert spread(moments, "king").endswith(end)
