"""Every number that a page shows is the one that transformers and numpy give."""

import pytest
from accounts import APP_VIEWS, RUN_VIEWS, VIEWS


@pytest.mark.parametrize("view", VIEWS | APP_VIEWS)
def test_every_number(read, models, view: str):
    (VIEWS | APP_VIEWS)[view](read, models)


@pytest.mark.parametrize("view", RUN_VIEWS)
def test_every_number_of_a_run(read_run, learnt, view: str):
    RUN_VIEWS[view](read_run, learnt)
