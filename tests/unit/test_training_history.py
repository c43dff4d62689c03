"""The course of a run, read while it is written, made ready for a chart."""

import json
import threading

import numpy as np
import pytest

from gptviz.training import history
from gptviz.training.jsonl import Tail, rows

FIRST = {"step": 1, "train_loss": 4.0, "lr": 0.1, "grad_norm": 2.0, "tokens_per_second": 9.0}
SECOND = {**FIRST, "step": 2, "train_loss": 3.0, "val_loss": 3.5}
THIRD = {**FIRST, "step": 3, "train_loss": 2.0}


@pytest.fixture
def metrics(tmp_path):
    return tmp_path / "metrics.jsonl"


def line(row: dict) -> str:
    return json.dumps(row) + "\n"


def append(path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_run_before_its_first_step_has_an_empty_history(tmp_path):
    course = history.read(tmp_path)
    assert len(course) == 0
    assert course["train_loss"].shape == (0,)
    assert course.time_shares() == {}
    assert course.seconds_left(100) is None


def test_each_column_is_an_array_with_one_number_a_step(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND))
    course = history.read(tmp_path)
    assert course["step"].tolist() == [1, 2]
    assert course["train_loss"].tolist() == [4.0, 3.0]
    assert np.isnan(course["seconds"]).all(), "an old run did not write it"
    steps, losses = course.validations
    assert (steps.tolist(), losses.tolist()) == ([2], [3.5])


def test_a_half_written_last_line_waits_for_its_end(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND)[:20])
    assert history.read(tmp_path)["step"].tolist() == [1]
    append(metrics, line(SECOND)[20:])
    assert history.read(tmp_path)["step"].tolist() == [1, 2]
    assert history.read(tmp_path).broken == 0


@pytest.mark.parametrize("broken", ["{oops\n", "[1, 2]\n", "\x00\x00\x00\n", '{"step": "two"}\n'])
def test_a_broken_line_in_the_middle_is_skipped_and_counted(metrics, tmp_path, broken):
    metrics.write_text(line(FIRST) + broken + line(THIRD))
    course = history.read(tmp_path)
    assert course["step"].tolist() == [1, 3]
    assert course.broken == 1
    append(metrics, broken)
    assert history.read(tmp_path).broken == 2


def test_bytes_that_are_no_text_are_skipped_and_counted(metrics, tmp_path):
    metrics.write_bytes(line(FIRST).encode() + b"\xff\xfe{\xc3\n" + line(THIRD).encode())
    assert history.read(tmp_path)["step"].tolist() == [1, 3]
    assert history.read(tmp_path).broken == 1


def test_only_new_bytes_are_read(metrics):
    metrics.write_text(line(FIRST))
    tail = Tail(metrics)
    assert tail.new() == (False, [FIRST])
    assert tail.new() == (False, [])
    append(metrics, line(SECOND))
    assert tail.new() == (False, [SECOND])


def test_an_unchanged_file_is_the_same_history(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    assert history.read(tmp_path) is history.read(tmp_path)


def test_rows_that_a_resumed_run_takes_again_are_forgotten(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND) + line(THIRD))
    assert len(history.read(tmp_path)) == 3
    metrics.write_text(line(FIRST))
    assert history.read(tmp_path)["step"].tolist() == [1]
    again = {**SECOND, "train_loss": 9.0}
    metrics.write_text(line(FIRST) + line(again) + line(THIRD))
    assert history.read(tmp_path)["train_loss"].tolist() == [4.0, 9.0, 2.0]


def test_another_file_of_the_same_length_is_read_anew(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND))
    history.read(tmp_path)
    metrics.write_text(line({**FIRST, "train_loss": 8.0}) + line({**SECOND, "train_loss": 7.0}))
    assert history.read(tmp_path)["train_loss"].tolist() == [8.0, 7.0]


def test_a_deleted_file_is_an_empty_history(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    assert len(history.read(tmp_path)) == 1
    metrics.unlink()
    assert len(history.read(tmp_path)) == 0


def test_the_arrays_of_a_history_cannot_be_written_to(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    with pytest.raises(ValueError, match="read-only"):
        history.read(tmp_path)["train_loss"][0] = 1.0


def test_many_sessions_read_each_row_once_while_it_is_written(metrics, tmp_path):
    n, wrong = 400, []

    def follow() -> None:
        while len(course := history.read(tmp_path)) < n:
            if course["step"].tolist() != list(range(1, len(course) + 1)):
                wrong.append(course["step"])
                return

    readers = [threading.Thread(target=follow) for _ in range(4)]
    for reader in readers:
        reader.start()
    with metrics.open("a", encoding="utf-8") as file:
        for step in range(1, n + 1):
            text = line({**FIRST, "step": step})
            file.write(text[:9])
            file.flush()
            file.write(text[9:])
            file.flush()
    for reader in readers:
        reader.join(timeout=60)
    assert not wrong
    assert len(history.read(tmp_path)) == n


def test_other_files_of_a_run_are_read_the_same_way(tmp_path):
    path = tmp_path / "samples.jsonl"
    assert rows(path) == []
    path.write_text('{"step": 1}\n{"st')
    assert rows(path) == [{"step": 1}]
    append(path, 'ep": 2}\n')
    assert rows(path) == [{"step": 1}, {"step": 2}]


def test_thinning_keeps_first_last_and_a_spike():
    x = np.arange(10_000)
    y = np.exp(-x / 3000)
    y[4321], y[7000] = 50.0, -50.0
    thin_x, thin_y = history.thin(x, y)
    assert len(thin_x) <= 300
    assert thin_x[0] == 0
    assert thin_x[-1] == 9999
    assert {4321, 7000} <= set(thin_x.tolist())
    assert np.array_equal(thin_y, y[thin_x])
    assert (np.diff(thin_x) > 0).all()


@pytest.mark.parametrize("n", [4, 5, 7, 300])
@pytest.mark.parametrize("points", [0, 1, 2, 3, 299, 300, 301, 302, 5000])
def test_thinning_never_gives_more_points_than_asked_for(n, points):
    x = np.arange(points)
    thin_x, _ = history.thin(x, np.sin(x), n)
    assert len(thin_x) <= n
    assert points <= n or {0, points - 1} <= set(thin_x.tolist())


def test_thinning_leaves_out_what_is_no_number():
    x, y = history.thin(np.arange(4), np.array([1.0, np.nan, np.inf, 2.0]))
    assert (x.tolist(), y.tolist()) == ([0, 3], [1.0, 2.0])


def test_smoothing_leaves_a_constant_as_it_is_from_the_first_value_on():
    assert history.smooth(np.full(50, 3.0), 0.9) == pytest.approx(np.full(50, 3.0))


def test_a_smoothed_value_weighs_each_one_before_it_by_a_constant_factor():
    y, weight = np.array([4.0, 1.0, 7.0]), 0.5
    assert history.smooth(y, weight)[2] == pytest.approx((0.25 * 4 + 0.5 * 1 + 7) / 1.75)
    assert history.smooth(y, 0.0) == pytest.approx(y)


def test_smoothing_passes_over_what_is_no_number():
    smoothed = history.smooth(np.array([np.nan, 2.0, np.nan, 2.0]), 0.9)
    assert np.isnan(smoothed[0])
    assert smoothed[1:] == pytest.approx([2.0, 2.0, 2.0])


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")])
def test_a_weight_that_is_no_share_is_refused(weight):
    with pytest.raises(ValueError, match=r"it must be in \[0, 1\)"):
        history.smooth(np.ones(3), weight)


def test_a_loss_reads_as_bits_a_byte_and_as_perplexity():
    loss = np.log([256.0, 2.0])
    assert history.in_unit(loss, "nats a token", 4.0) is loss
    assert history.in_unit(loss, "bits a byte", 4.0) == pytest.approx([2.0, 0.25])
    assert history.in_unit(loss, "perplexity", 4.0) == pytest.approx([256.0, 2.0])
    assert history.in_unit(np.array([1e4]), "perplexity", 4.0) == np.inf


def test_bits_a_byte_need_to_know_how_long_a_token_is():
    with pytest.raises(ValueError, match="0 bytes a token"):
        history.in_unit(np.ones(1), "bits a byte", 0)


def timed(n: int) -> history.History:
    parts = {"data": 0.1, "forward": 0.4, "backward": 1.0, "optimizer": 0.3, "other": 0.2}
    return history.from_rows(
        {**FIRST, "step": step, "seconds": 2.0 * step, "time": parts} for step in range(1, n + 1)
    )


def test_shares_of_the_time_add_up_to_one():
    shares = timed(60).time_shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["backward"] == pytest.approx(0.5)


def test_the_time_that_is_left_follows_the_pace_of_late():
    assert timed(60).seconds_left(100) == pytest.approx(80)
    assert timed(60).seconds_left(60) == 0
    assert timed(1).seconds_left(100) is None
    untimed = history.from_rows([FIRST, SECOND])
    assert untimed.seconds_left(100) is None
