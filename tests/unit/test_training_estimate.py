"""When a step is measured beside the page, and what becomes of a measurement that is broken off."""

from pathlib import Path

import pytest

from gptviz.model import GPTConfig
from gptviz.training import measure
from gptviz.training.config import TrainingConfig
from gptviz.training.runs import Run
from gptviz.ui import training_estimate

CONFIG = TrainingConfig(GPTConfig(20, 8, 1, 1, 8), "text.txt")


class AskedAnewError(Exception):
    """What stands here for Streamlit's rerun."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The only run of this machine; it trains or waits to while somebody holds it."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return Run.create(tmp_path / "run", CONFIG, "My run")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[TrainingConfig]:
    """What was measured; each measurement is broken off."""
    asked: list[TrainingConfig] = []

    def pace(config: TrainingConfig) -> None:
        asked.append(config)
        raise measure.BrokenOffError

    monkeypatch.setattr(measure, "known", lambda _: None)
    monkeypatch.setattr(measure, "pace", pace)
    return asked


@pytest.mark.usefixtures("run")
def test_a_measurement_that_is_broken_off_can_begin_again(measured):
    measurement = training_estimate._Measurement(CONFIG)
    measurement.begun = True
    measurement._measure()
    assert measured == [CONFIG]
    assert not measurement.begun
    assert not measurement.error


def test_a_measurement_that_waited_for_its_turn_leaves_it_to_a_run_that_began_meanwhile(
    run: Run, measured
):
    measurement = training_estimate._Measurement(CONFIG)
    measurement.begun = True
    with run.locked():
        measurement._measure()
    assert measured == []
    assert not measurement.begun


@pytest.mark.parametrize("state", ["queued", "running"])
def test_nothing_is_measured_any_more_once_a_run_has_begun(
    run: Run, measured, monkeypatch: pytest.MonkeyPatch, state
):
    def rerun() -> None:
        raise AskedAnewError

    run.update_status({"state": state})
    monkeypatch.setattr(training_estimate.st, "rerun", rerun)
    with run.locked(), pytest.raises(AskedAnewError):
        training_estimate._line(CONFIG, busy=None, asked=True)
    assert measured == []
