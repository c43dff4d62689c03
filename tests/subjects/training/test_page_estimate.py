"""When a step is measured beside the page, and what becomes of a measurement that is broken off."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gptviz.disk import append_row, write_json
from gptviz.jobs import pace as measure
from gptviz.jobs import presets
from gptviz.jobs.pace import Pace
from gptviz.runs import Run
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training.config import TrainingConfig

MOST_LOOKS = 1000


class Measurements:
    """What is measured; each measurement takes as long as a test wants, and is broken off."""

    def __init__(self):
        self.of: list[TrainingConfig] = []
        self.deadlines: list[float] = []
        self.error: ValueError = measure.BrokenOffError()
        self.may_end = threading.Event()

    def pace(self, config: TrainingConfig, deadline: float) -> None:
        self.of.append(config)
        self.deadlines.append(deadline)
        assert self.may_end.wait(60)
        raise self.error


@pytest.fixture
def measured(spawned: list[Run], monkeypatch: pytest.MonkeyPatch) -> Iterator[Measurements]:
    measurements = Measurements()
    monkeypatch.setattr(measure, "known", lambda _: None)
    monkeypatch.setattr(measure, "pace", measurements.pace)
    yield measurements
    measurements.may_end.set()
    assert not spawned


@pytest.fixture
def other(tmp_path: Path, config: Callable[[Path], TrainingConfig]) -> Callable[[], Run]:
    """Put a run beside the form; it trains or waits to while somebody holds it."""

    def begun() -> Run:
        run = Run.create(tmp_path / "models" / "Other", config(tmp_path))
        run.update_status({"state": "running"})
        return run

    return begun


def look_until(app: AppTest, is_so: Callable[[], bool]) -> None:
    """Look at the page again and again, as a browser does each second."""
    for _ in range(MOST_LOOKS):
        if is_so():
            return
        app.run()
        assert not app.exception
    raise AssertionError("what the test waits for does not happen")


def test_a_measurement_that_is_broken_off_begins_again(open_page, words, measured: Measurements):
    measured.may_end.set()
    app = open_page()
    assert "time: measuring …" in words(app)
    look_until(app, lambda: len(measured.of) > 1)
    assert measured.of[0] == measured.of[1]
    assert "time: measuring …" in words(app)


def test_where_no_step_was_done_in_time_nothing_is_claimed_and_it_is_measured_again_for_longer(
    open_page, words, measured: Measurements
):
    measured.error = measure.TooLateError()
    measured.may_end.set()
    app = open_page()
    look_until(app, lambda: len(measured.of) > 2)
    assert measured.deadlines[:3] == [20, 40, 80]
    assert "not measured yet, no step was done within" in words(app)
    assert "h 30 min" not in words(app)


def test_a_run_that_trains_corrects_the_estimate(
    open_page, words, measured: Measurements, other: Callable[[], Run]
):
    app = open_page(runs_tab="list")
    run = other()
    text = Path(SHAKESPEARE).read_text(encoding="utf-8")
    config = replace(presets.DEFAULT.on(SHAKESPEARE), steps=10)
    write_json(run.folder / "config.json", config.to_dict())
    for step in range(1, 31):  # steps of half a second, beside which a validation takes long
        row = {"step": step, "train_loss": 1.0, "seconds": 9.0 * step, "tokens_per_second": 1536}
        append_row(run.folder / "metrics.jsonl", row)
    validated = 40 * 64 * 64 / 768 * 0.5 / 3
    assert len(set(text)) == config.model.vocab_size
    app.run()
    minutes = round((2000 * 0.5 + validated) / 60)
    assert f"about **{minutes} min**, by the pace of Other on this machine" in words(app)
    assert not measured.of


@pytest.mark.usefixtures("spawned")
def test_a_size_says_how_long_it_took_and_where(open_page, monkeypatch: pytest.MonkeyPatch):
    known = {"n_layer": 2}
    monkeypatch.setattr(
        measure,
        "known",
        lambda config: Pace(0.5, 0) if config.model.n_layer == known["n_layer"] else None,
    )
    monkeypatch.setattr(measure, "pace", lambda *_: None)
    told = open_page().selectbox(key="new_size").help.split("  \n")
    assert [line.split("**")[1] for line in told] == ["Tiny", "Small", "Medium", "Large"]
    validated = 20 * 64 * 32 / 384 * 0.5 / 3
    minutes = round((1000 * 0.5 + validated) / 60)
    assert told[0].endswith(f"About {minutes} min, as measured on this machine.")
    assert told[1].endswith(
        "About 2 min, as measured on one core of an AMD EPYC with PyTorch 2.13."
    )


def test_settings_are_measured_once_they_have_stayed_the_same_for_a_look(
    open_page, measured: Measurements
):
    app = open_page()
    for n_layer in (2, 3):
        app.number_input(key="new_n_layer").set_value(n_layer).run()
        assert not measured.of
    look_until(app, lambda: measured.of != [])
    assert measured.of[0].model.n_layer == 3


@pytest.mark.parametrize("state", ["queued", "running"])
def test_nothing_is_measured_while_a_run_trains_or_waits(
    open_page, words, measured: Measurements, other: Callable[[], Run], state: str
):
    run = other()
    run.update_status({"state": state})
    with run.locked():
        app = open_page(run="Other")
        for _ in range(3):
            assert "time: not measured while Other trains" in words(app)
            app.run()
    assert not measured.of


def test_a_measurement_that_waits_for_its_turn_leaves_it_to_a_run_that_begins_meanwhile(
    open_page, measured: Measurements, other: Callable[[], Run]
):
    before = set(threading.enumerate())
    one, two = open_page(), open_page()
    two.number_input(key="new_n_layer").set_value(2).run()
    look_until(one, lambda: len(measured.of) == 1)
    two.run()  # its measurement begins, and waits for the other
    with other().locked():
        measured.may_end.set()
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
    assert len(measured.of) == 1
