"""Runs that are queued as one, and their ranking."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from gptviz import jobs
from gptviz.disk import append_row
from gptviz.jobs import experiments, presets
from gptviz.jobs.build_up import STAGES
from gptviz.jobs.experiments import Experiment
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

MODEL = GPTConfig(20, 8, 1, 2, 8, 0.1, 0.1, 0.1)
CONFIG = TrainingConfig(MODEL, "text.txt", tokenizer="char", batch_size=4)


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Queue an experiment whose runs nobody trains."""
    monkeypatch.setattr(jobs, "launch", lambda run: run.update_status({"state": "stopped"}))

    def start(name="rates", settings=None) -> Experiment:
        settings = experiments.variants(CONFIG) if settings is None else settings
        return experiments.start(name, settings, tmp_path)

    return start


def validate(run: Run, *losses: float) -> None:
    for step, loss in enumerate(losses, 1):
        append_row(
            run.folder / "metrics.jsonl",
            {"step": step, "train_loss": 9.0, "val_loss": loss, "seconds": step},
        )


def test_each_variant_differs_from_the_baseline_in_what_its_name_says():
    found = experiments.variants(CONFIG)
    assert found["baseline"] == CONFIG
    assert found["half-rate"].learning_rate == CONFIG.learning_rate / 2
    assert found["half-rate"].min_learning_rate == CONFIG.min_learning_rate / 2
    assert found["double-rate"].learning_rate == 2 * CONFIG.learning_rate
    weak, strong = found["weak-regularisation"], found["strong-regularisation"]
    assert weak.model.resid_pdrop < MODEL.resid_pdrop < strong.model.resid_pdrop
    assert weak.weight_decay < CONFIG.weight_decay < strong.weight_decay
    assert {config.seed for config in found.values()} == {CONFIG.seed}


@pytest.mark.parametrize(("warmup", "risen"), [(0, 50), (30, 30)])
def test_six_schedules_differ_in_the_way_of_the_rate_alone(warmup: int, risen: int):
    config = replace(CONFIG, warmup_steps=warmup)
    found = experiments.schedules(config)
    assert {name: (one.schedule, one.warmup_steps) for name, one in found.items()} == {
        "constant": ("constant", 0),
        "linear": ("linear", 0),
        "cosine": ("cosine", 0),
        "stairs": ("step", 0),
        "warmup-linear": ("linear", risen),
        "warmup-cosine": ("cosine", risen),
    }
    for one in found.values():
        same = {"schedule": config.schedule, "warmup_steps": config.warmup_steps}
        assert replace(one, **same) == config
    assert found.keys() <= experiments.TITLES.keys()


def test_all_runs_are_queued_under_names_that_tell_them_apart(queue, tmp_path):
    experiment = queue()
    assert list(experiment.runs) == list(experiments.variants(CONFIG))
    names = [run.name for run in experiment.runs.values()]
    assert names[:2] == ["rates, baseline", "rates, half the rate"]
    assert len(jobs.list_runs(tmp_path)) == 5


def test_an_experiment_is_found_again_in_the_list_of_runs(queue, tmp_path):
    first, second = queue(), queue("again")
    Run.create(tmp_path / "alone", CONFIG)
    found = {e.id: e for e in experiments.list_experiments(jobs.list_runs(tmp_path))}
    assert set(found) == {first.id, second.id}
    assert found[first.id].name == "rates"
    assert list(found[first.id].runs) == list(first.runs)
    assert found[first.id].runs["half-rate"].id == first.runs["half-rate"].id


def test_a_deleted_or_renamed_run_leaves_the_rest_together(queue, tmp_path):
    experiment = queue()
    jobs.delete(experiment.runs["half-rate"])
    jobs.rename(experiment.runs["baseline"], "mine")
    (found,) = experiments.list_experiments(jobs.list_runs(tmp_path))
    assert list(found.runs) == [name for name in experiment.runs if name != "half-rate"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": 3}'])
def test_a_run_whose_experiment_cannot_be_read_stands_alone(queue, tmp_path, text):
    experiment = queue()
    (experiment.runs["baseline"].folder / experiments.FILE).write_text(text)
    (found,) = experiments.list_experiments(jobs.list_runs(tmp_path))
    assert "baseline" not in found.runs
    assert len(found.runs) == 4


def test_the_lowest_validation_loss_ranks_first(queue):
    experiment = queue()
    validate(experiment.runs["baseline"], 3.0, 2.0, 2.5)
    validate(experiment.runs["half-rate"], 2.4)
    validate(experiment.runs["double-rate"], 1.5, 1.8)
    table = experiments.ranking(experiment)
    assert table["variant"].tolist()[:3] == ["double-rate", "baseline", "half-rate"]
    assert table["rank"].tolist()[:3] == [1, 2, 3]
    assert table["best_step"].tolist()[:3] == [1, 2, 1]
    assert table["beside_baseline"].tolist()[:3] == pytest.approx([-0.5, 0.0, 0.4])
    assert table["seconds"].tolist()[:3] == [2, 3, 1]


def test_a_run_that_has_not_validated_yet_comes_last_without_a_rank(queue):
    experiment = queue()
    validate(experiment.runs["strong-regularisation"], 2.0)
    table = experiments.ranking(experiment)
    assert table["variant"][0] == "strong-regularisation"
    assert np.isnan(table["best_val_loss"][1:]).all()
    assert table["rank"][1:].isna().all()
    assert set(table["state"]) == {"stopped"}


def test_runs_of_different_tokenizers_are_ranked_by_bits_a_byte(queue):
    pieces = replace(CONFIG, tokenizer="bpe", bpe_vocab_size=300)
    experiment = queue(settings={"baseline": CONFIG, "pieces": pieces})
    for run, loss, bytes_per_token in zip(
        experiment.runs.values(), (2.0, 4.0), (1.0, 2.5), strict=True
    ):
        validate(run, loss)
        run.update_status({"val_bytes_per_token": bytes_per_token})
    table = experiments.ranking(experiment)
    assert table["variant"].tolist() == ["pieces", "baseline"]
    bits = [4.0 / np.log(2) / 2.5, 2.0 / np.log(2)]
    assert table["best_bits_per_byte"].tolist() == pytest.approx(bits)
    assert table["beside_baseline"].tolist() == pytest.approx([bits[0] - bits[1], 0])
    assert table["rank"].tolist() == [1, 2]


def test_presets_are_queued_as_one_and_found_again_as_runs_of_theirs(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    monkeypatch.setattr(jobs, "launch", lambda run: run.update_status({"state": "stopped"}))
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be " * 40, encoding="utf-8")
    made = experiments.start_presets("Build it up", STAGES[:2], text)
    assert list(made.runs) == [preset.name for preset in STAGES[:2]]
    for preset in STAGES[:2]:
        run = presets.latest(jobs.list_runs(), preset)
        assert run is not None
        assert run.name == f"Build it up, {preset.title}"
        assert run.config.model.vocab_size == len(set("to be or not to be"))


def test_an_experiment_of_one_run_is_refused(queue, tmp_path):
    with pytest.raises(ValueError, match="at least 2"):
        queue(settings={"alone": CONFIG})
    assert jobs.list_runs(tmp_path) == []


def test_a_name_that_is_too_long_is_refused_before_anything_is_queued(queue, tmp_path):
    with pytest.raises(ValueError, match="signs"):
        queue("x" * 70)
    assert jobs.list_runs(tmp_path) == []


def test_where_the_disk_is_full_what_was_queued_is_stopped_again(queue, monkeypatch):
    stopped, start = [], jobs.start

    def until_full(config, name, root, preset, owner):
        if "twice" in name:
            raise OSError("there is no room")
        return start(config, name, root, preset=preset, owner=owner)

    monkeypatch.setattr(jobs, "start", until_full)
    monkeypatch.setattr(jobs, "state", lambda run: "queued")
    monkeypatch.setattr(jobs, "stop", lambda run: stopped.append(run.name))
    with suppress(OSError):
        queue()
    assert stopped == ["rates, baseline", "rates, half the rate"]
