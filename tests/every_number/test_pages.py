"""Every number that a page shows is the one that transformers and numpy give."""

import pytest
from accounts import VIEWS


@pytest.mark.parametrize("view", VIEWS)
def test_every_number(read, models, view: str):
    VIEWS[view](read, models)
