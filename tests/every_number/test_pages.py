"""Every number that a page shows is the one that transformers and numpy give."""

import pytest
from accounts import (
    APP_VIEWS,
    EXPERIMENT_VIEWS,
    FAILURE_VIEWS,
    HEALTH_VIEWS,
    RUN_VIEWS,
    VIEWS,
    form,
)
from accounts.failures import lesson


@pytest.mark.parametrize("view", VIEWS | APP_VIEWS)
def test_every_number(read, models, view: str):
    (VIEWS | APP_VIEWS)[view](read, models)


@pytest.mark.parametrize("view", RUN_VIEWS)
def test_every_number_of_a_run(read_run, learnt, view: str):
    RUN_VIEWS[view](read_run, learnt)


@pytest.mark.parametrize("view", HEALTH_VIEWS)
def test_every_number_of_a_run_s_health(read_run, judged, view: str):
    HEALTH_VIEWS[view](read_run, judged)


@pytest.mark.parametrize("view", EXPERIMENT_VIEWS)
def test_every_number_of_an_experiment(read_run, tried, view: str):
    EXPERIMENT_VIEWS[view](read_run, tried)


@pytest.mark.parametrize("view", FAILURE_VIEWS)
def test_every_number_of_a_failure(read_run, gallery, view: str):
    FAILURE_VIEWS[view](read_run, gallery)


def test_every_number_of_the_induction_lesson(read_run, learnt, tmp_path):
    lesson(read_run, learnt, tmp_path)


def test_every_number_of_the_form(read_run, tmp_path):
    form.look(read_run, tmp_path)
