"""The course of a run, read while it is written, made ready for a chart."""

import json
import threading

import numpy as np
import pytest

from gptviz.disk import Tail, rows
from gptviz.training.record.metrics import History, read

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
    course = read(tmp_path)
    assert len(course) == 0
    assert course["train_loss"].shape == (0,)
    assert course.time_shares() == {}
    assert course.seconds_left(100) is None


def test_each_column_is_an_array_with_one_number_a_step(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND))
    course = read(tmp_path)
    assert course["step"].tolist() == [1, 2]
    assert course["train_loss"].tolist() == [4.0, 3.0]
    assert np.isnan(course["seconds"]).all(), "an old run did not write it"
    steps, losses = course.validations
    assert (steps.tolist(), losses.tolist()) == ([2], [3.5])


def test_a_half_written_last_line_waits_for_its_end(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND)[:20])
    assert read(tmp_path)["step"].tolist() == [1]
    append(metrics, line(SECOND)[20:])
    assert read(tmp_path)["step"].tolist() == [1, 2]
    assert read(tmp_path).broken == 0


@pytest.mark.parametrize("broken", ["{oops\n", "[1, 2]\n", "\x00\x00\x00\n", '{"step": "two"}\n'])
def test_a_broken_line_in_the_middle_is_skipped_and_counted(metrics, tmp_path, broken):
    metrics.write_text(line(FIRST) + broken + line(THIRD))
    course = read(tmp_path)
    assert course["step"].tolist() == [1, 3]
    assert course.broken == 1
    append(metrics, broken)
    assert read(tmp_path).broken == 2


def test_bytes_that_are_no_text_are_skipped_and_counted(metrics, tmp_path):
    metrics.write_bytes(line(FIRST).encode() + b"\xff\xfe{\xc3\n" + line(THIRD).encode())
    assert read(tmp_path)["step"].tolist() == [1, 3]
    assert read(tmp_path).broken == 1


def test_only_new_bytes_are_read(metrics):
    metrics.write_text(line(FIRST))
    tail = Tail(metrics)
    assert tail.new() == (False, [FIRST])
    assert tail.new() == (False, [])
    append(metrics, line(SECOND))
    assert tail.new() == (False, [SECOND])


def test_an_unchanged_file_is_the_same_history(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    assert read(tmp_path) is read(tmp_path)


def test_rows_that_a_resumed_run_takes_again_are_forgotten(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND) + line(THIRD))
    assert len(read(tmp_path)) == 3
    metrics.write_text(line(FIRST))
    assert read(tmp_path)["step"].tolist() == [1]
    again = {**SECOND, "train_loss": 9.0}
    metrics.write_text(line(FIRST) + line(again) + line(THIRD))
    assert read(tmp_path)["train_loss"].tolist() == [4.0, 9.0, 2.0]


def test_another_file_of_the_same_length_is_read_anew(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND))
    read(tmp_path)
    metrics.write_text(line({**FIRST, "train_loss": 8.0}) + line({**SECOND, "train_loss": 7.0}))
    assert read(tmp_path)["train_loss"].tolist() == [8.0, 7.0]


def test_a_deleted_file_is_an_empty_history(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    assert len(read(tmp_path)) == 1
    metrics.unlink()
    assert len(read(tmp_path)) == 0


def test_the_arrays_of_a_history_cannot_be_written_to(metrics, tmp_path):
    metrics.write_text(line(FIRST))
    with pytest.raises(ValueError, match="read-only"):
        read(tmp_path)["train_loss"][0] = 1.0


def test_many_sessions_read_each_row_once_while_it_is_written(metrics, tmp_path):
    n, wrong = 400, []

    def follow() -> None:
        while len(course := read(tmp_path)) < n:
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
    assert len(read(tmp_path)) == n


def test_other_files_of_a_run_are_read_the_same_way(tmp_path):
    path = tmp_path / "samples.jsonl"
    assert rows(path) == []
    path.write_text('{"step": 1}\n{"st')
    assert rows(path) == [{"step": 1}]
    append(path, 'ep": 2}\n')
    assert rows(path) == [{"step": 1}, {"step": 2}]


@pytest.fixture
def timed(metrics, tmp_path):
    """The history of a run of n steps that took two seconds each."""

    def written(n: int) -> History:
        parts = {"data": 0.1, "forward": 0.4, "backward": 1.0, "optimizer": 0.3, "other": 0.2}
        rows = [
            {**FIRST, "step": step, "seconds": 2.0 * step, "time": parts}
            for step in range(1, n + 1)
        ]
        metrics.write_text("".join(map(line, rows)))
        return read(tmp_path)

    return written


def test_shares_of_the_time_add_up_to_one(timed):
    shares = timed(60).time_shares()
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["backward"] == pytest.approx(0.5)


def test_the_time_that_is_left_follows_the_recent_pace(timed):
    assert timed(60).seconds_left(100) == pytest.approx(80)
    assert timed(60).seconds_left(60) == 0
    assert timed(1).seconds_left(100) is None


def test_the_time_that_is_left_is_unknown_for_a_run_that_did_not_measure_it(metrics, tmp_path):
    metrics.write_text(line(FIRST) + line(SECOND))
    assert read(tmp_path).seconds_left(100) is None
