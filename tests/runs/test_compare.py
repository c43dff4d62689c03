"""Runs side by side."""

import io
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gptviz import spreadsheet
from gptviz.disk import append_row
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run, compare
from gptviz.training.config import TrainingConfig

CONFIG = TrainingConfig(GPTConfig(20, 8, 1, 2, 8), "texts/plays.txt", batch_size=4)


@pytest.fixture
def make(tmp_path):
    """A run on disk with these settings, and rows whose validation losses are given."""

    def run(folder: str, losses=(), config=CONFIG) -> Run:
        made = Run.create(tmp_path / folder, config)
        for step, loss in enumerate(losses, 1):
            row = {"step": step, "train_loss": loss - 0.5, "lr": 0.1, "seconds": 2.0 * step}
            append_row(
                made.folder / "metrics.jsonl", row if step % 2 else {**row, "val_loss": loss}
            )
        return made

    return run


def test_only_settings_that_differ_are_columns(make):
    other = replace(CONFIG, learning_rate=0.01, model=replace(CONFIG.model, n_head=1))
    table = compare.table([make("a"), make("b", config=other)])
    assert list(table.columns)[:4] == ["run", "n_head", "learning_rate", "steps"]
    assert table["n_head"].tolist() == [2, 1]
    assert table["learning_rate"].tolist() == [1e-3, 0.01]


def test_texts_are_told_apart_by_the_names_of_their_files(make):
    table = compare.table([make("a"), make("b", config=replace(CONFIG, data="x/poems.txt"))])
    assert table["data"].tolist() == ["plays.txt", "poems.txt"]


def test_a_rate_that_was_changed_while_a_run_ran_is_told(make):
    changed = make("a")
    changed.write_rates([{"step": 9, "learning_rate": 0.005}])
    table = compare.table([changed, make("b")])
    assert table["rate_changes"].tolist() == ["0.005 from step 10", ""]


def test_the_results_of_a_run_are_in_its_row(make):
    run = make("a", losses=[4.0, 3.0, 2.5, 2.0, 2.2, 2.4])
    run.update_status({"bytes_per_token": 2.0})
    (row,) = compare.table([run]).to_dict("records")
    assert row["steps"] == 6
    assert row["last_train_loss"] == pytest.approx(np.mean([4, 3, 2.5, 2, 2.2, 2.4]) - 0.5)
    assert row["last_val_loss"] == 2.4
    assert (row["best_val_loss"], row["best_step"]) == (2.0, 4)
    assert row["best_bits_per_byte"] == pytest.approx(2.0 / math.log(2) / 2)
    assert row["seconds"] == 12.0
    assert row["tokens_read"] == 6 * 4 * 8
    assert row["parameters"] == GPT(CONFIG.model).n_parameters


def test_gap_fall_and_passes_of_the_text(make):
    run = make("a", np.arange(60, 0, -1) / 10)  # whose training loss is 0.5 lower
    run.update_status({"train_tokens": 320})
    (row,) = compare.table([run]).to_dict("records")
    now = sum(np.arange(20, 0, -1) / 10 - 0.5) / 20
    assert row["gap"] == pytest.approx(0.1 - now)
    assert row["reduction"] == pytest.approx(100 * (5.5 - now) / 5.5)
    assert row["epochs"] == pytest.approx(60 * 4 * 8 / 320)


def test_lessons_in_copying_neither_begin_the_fall_nor_pass_the_text(make):
    config = replace(CONFIG, copy_steps=2, repeat_share=0.25)
    run = make("a", [9.0, 8.0, 4.0, 3.0], config=config)
    run.update_status({"train_tokens": 320})
    (row,) = compare.table([run]).to_dict("records")
    now = (8.5 + 7.5 + 3.5 + 2.5) / 4
    assert row["reduction"] == pytest.approx(100 * (3.5 - now) / 3.5)
    assert row["epochs"] == pytest.approx(2 * 4 * 8 * 0.75 / 320)
    only_lessons = make("b", [9.0, 8.0], config=config)
    assert math.isnan(compare.table([only_lessons])["reduction"][0])


def test_a_run_without_a_step_has_no_results_yet(make):
    (row,) = compare.table([make("a")]).to_dict("records")
    assert row["steps"] == row["tokens_read"] == 0
    assert math.isnan(row["best_val_loss"])
    assert row["best_step"] is None
    assert all(math.isnan(row[name]) for name in ("gap", "reduction", "epochs"))


def test_no_runs_make_an_empty_table():
    assert compare.table([]).empty
    assert compare.curves([], "step") == []


def test_the_table_can_be_read_from_csv(make):
    runs = [make("one, two", [3.0, 2.0]), make("b", config=replace(CONFIG, seed=3))]
    read = pd.read_csv(io.BytesIO(spreadsheet.csv(compare.table(runs))))
    assert read["run"].tolist() == ["one, two", "b"]
    assert read["seed"].tolist() == [0, 3]
    assert read["best_val_loss"][0] == 2.0


def test_runs_of_the_same_name_are_numbered(make):
    runs = [make("here/mine"), make("there/mine"), make("yours"), make("elsewhere/mine")]
    assert compare.names(runs) == ["mine", "mine 2", "yours", "mine 3"]


def test_the_last_training_loss_says_of_how_many_steps_it_is_the_mean(make):
    losses = np.arange(60, 0, -1) / 10
    (row,) = compare.table([make("a", losses)]).to_dict("records")
    assert row["last_train_loss"] == pytest.approx(sum(losses[-20:] - 0.5) / 20)
    assert compare.TITLES["last_train_loss"] == "training loss, mean of the last 20 steps"


@pytest.mark.parametrize(
    ("axis", "x"), [("step", [1, 2, 3]), ("tokens", [32, 64, 96]), ("seconds", [2, 4, 6])]
)
def test_curves_lie_over_steps_tokens_or_time(make, axis, x):
    (curve,) = compare.curves([make("a", [4.0, 3.0, 2.0])], axis)
    assert curve.x.tolist() == x
    assert curve.train_loss.tolist() == [3.5, 2.5, 1.5]
    assert (curve.val_x.tolist(), curve.val_loss.tolist()) == ([x[1]], [3.0])


def test_a_run_that_did_not_measure_its_time_has_no_curve_over_it(make):
    run = make("a")
    append_row(run.folder / "metrics.jsonl", {"step": 1, "train_loss": 3.0, "val_loss": 3.0})
    (curve,) = compare.curves([run], "seconds")
    assert len(curve.x) == len(curve.val_x) == 0


def test_baselines_are_told_only_where_all_runs_have_the_same(make):
    one, other, old = make("one"), make("other"), make("old")
    told = {"uniform": 3.0, "unigram": 2.50449, "bigram": 2.0}  # rounded where it is drawn
    one.update_status({"baselines": told})
    other.update_status({"baselines": {**told, "bigram": 2.0001}})
    assert compare.shared_baselines([one, other]) == told
    assert compare.shared_baselines([one, old]) == {}
    other.update_status({"baselines": {"uniform": 3.0}})
    assert compare.shared_baselines([one, other]) == {}


def test_another_axis_is_refused(make):
    with pytest.raises(ValueError, match="'epochs' is no axis"):
        compare.curves([make("a")], "epochs")


def test_comparing_waits_for_no_pytorch_until_a_table_is_made(python):
    code = "import gptviz.runs.compare, gptviz.jobs.health, sys; print('torch' in sys.modules)"
    assert python(code) == "False\n"


def test_both_speeds_are_told_and_bits_a_byte_are_those_of_what_is_held_out(make):
    run = make("a")
    run.update_status({"train_bytes_per_token": 2.0, "val_bytes_per_token": 4.0})
    for step, seconds in ((1, 1.0), (2, 2.0), (3, 10.0)):
        row = {"step": step, "train_loss": 3.0, "tokens_per_second": (32.0, 64.0)[step % 2]}
        append_row(run.folder / "metrics.jsonl", {**row, "seconds": seconds, "val_loss": 2.0})
    (row,) = compare.table([run]).to_dict("records")
    assert row["tokens_per_second"] == pytest.approx(2 * 32 / 9)
    assert row["tokens_per_second_alone"] == pytest.approx(3 * 32 / (0.5 + 1 + 0.5))
    assert row["best_bits_per_byte"] == pytest.approx(2 / math.log(2) / 4)
