"""A run writes down how it learns, and learns no differently for it."""

import errno
import json
import math
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

import gptviz
from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.runs import Run
from gptviz.runs.control import Requests
from gptviz.tokenizers import CharacterTokenizer
from gptviz.training.config import TrainingConfig
from gptviz.training.loop import train
from gptviz.training.record import samples, snapshots
from gptviz.training.record.gradients import Gradients
from gptviz.training.record.induction import Induction
from gptviz.training.record.observer import Observer
from gptviz.training.record.samples import Samples, sample_text
from gptviz.training.record.snapshots import Snapshots

TEXT = "the cat sat on the mat.\na dog ran by the old oak.\n" * 12
TOKENIZER = CharacterTokenizer.from_text(TEXT)
MODEL = GPTConfig(TOKENIZER.vocab_size, 8, 2, 2, 8, *[0.1] * 3)
SILENT = {"sample_interval": 0, "snapshots": 0, "detail_interval": 0}


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Run]:
    """Begin a run of a tiny model, with settings of your choice, in a folder of its own."""

    def create(name: str, text: str = TEXT, **changes) -> Run:
        path = tmp_path / f"{name}.txt"
        path.write_text(text, encoding="utf-8")
        usual = {
            "tokenizer": "char",
            "batch_size": 4,
            "steps": 12,
            "warmup_steps": 3,
            "eval_interval": 4,
            "precision": "float32",
            "sample_interval": 5,
            "sample_tokens": 9,
            "snapshots": 5,
            "detail_interval": 4,
        }
        settings = TrainingConfig(model=MODEL, data=str(path), **{**usual, **changes})
        return Run.create(tmp_path / name, settings)

    return create


def learn(run: Run, stop_after: int = 10**9) -> None:
    left = iter(range(1, 10**9))
    train(run=run, requests=Requests(run, lambda: next(left) >= stop_after))


def rows(run: Run, name: str) -> list[dict]:
    return [json.loads(line) for line in (run.folder / name).read_text("utf-8").splitlines()]


def steps(run: Run, name: str) -> list[int]:
    return [row["step"] for row in rows(run, name)]


def curve(run: Run) -> list[float]:
    return [row[name] for row in run.metrics for name in ("train_loss", "grad_norm")]


@contextmanager
def room_for_files_of(n_bytes: int) -> Iterator[None]:
    """As on a full disk, writing more to a file is an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def observers(run: Run) -> list[Observer]:
    """Those who write beside the metrics, of a model that has not learned anything."""
    model = GPT(MODEL)
    kinds = (Samples, Snapshots, Induction)
    return [Gradients(run, model), *(kind(run, model, TOKENIZER) for kind in kinds)]


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_writes_samples_norms_and_snapshots_when_they_are_due(begin):
    run = begin("run")
    learn(run)
    assert steps(run, "samples.jsonl") == [0, 5, 10, 12]
    assert steps(run, "layers.jsonl") == [1, 4, 8, 12]
    assert run.snapshots == snapshots.snapshot_steps(12, 5) == [0, 1, 2, 5, 12]
    assert steps(run, "induction.jsonl") == run.snapshots


def test_a_run_that_is_told_to_write_nothing_writes_nothing(begin):
    run = begin("run", **SILENT)
    learn(run)
    names = {path.name for path in run.folder.iterdir()}
    assert names.isdisjoint({"samples.jsonl", "layers.jsonl", "induction.jsonl", "snapshots"})


def test_a_run_learns_the_same_bit_for_bit_whether_it_is_watched_or_not(begin):
    watched, alone = (
        begin("watched", sample_interval=1, detail_interval=1),
        begin("alone", **SILENT),
    )
    learn(watched)
    learn(alone)
    assert curve(watched) == curve(alone)


def test_the_norm_of_a_step_is_that_of_its_layers_before_clipping(begin):
    run = begin("run", detail_interval=1, gradient_clip=1e-3)
    learn(run)
    for row, metrics in zip(rows(run, "layers.jsonl"), run.metrics, strict=True):
        whole = math.sqrt(sum(norm**2 for norm in row["grad_norm"].values()))
        assert whole == pytest.approx(metrics["grad_norm"], rel=1e-5)
        assert whole > 1e-2
        assert row["grad_norm"].keys() == row["weight_norm"].keys() == row["update_ratio"].keys()


def test_the_update_of_a_step_is_the_way_from_one_snapshot_to_the_next(begin):
    run = begin("run", steps=6, snapshots=7, detail_interval=1, learning_rate=0.02)
    learn(run)
    models = [checkpoints.read(run.snapshot(step))[0] for step in range(7)]
    weights = [torch.cat(list(model.ln_f.state_dict().values())) for model in models]
    for row, before, after in zip(
        rows(run, "layers.jsonl"), weights[:-1], weights[1:], strict=True
    ):
        found = float((after - before).norm() / before.norm())
        # Half precision keeps three digits of a weight near 1.
        assert row["update_ratio"]["ln_f"] == pytest.approx(found, abs=5e-4)
        assert found > 3e-3
        assert row["weight_norm"]["ln_f"] == pytest.approx(float(after.norm()), rel=1e-3)


def test_a_snapshot_is_a_model_in_half_precision_that_every_page_can_open(begin):
    run = begin("run")
    learn(run)
    last = gptviz.load(run.snapshot(12))
    whole, _ = checkpoints.read(run.checkpoint(12))
    for name, tensor in last.model.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name].half().float()), name
    assert last.trace("the cat").logits.isfinite().all()
    assert sorted(path.name for path in run.snapshot(12).iterdir()) == [
        "characters.json",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_the_first_snapshot_is_the_model_that_has_learned_nothing(begin):
    run = begin("run", seed=3)
    learn(run)
    first, _ = checkpoints.read(run.snapshot(0))
    untrained = GPT(MODEL, torch.Generator().manual_seed(3))
    torch.testing.assert_close(first.wte.weight, untrained.wte.weight, atol=1e-4, rtol=1e-3)


def test_a_sample_is_what_the_saved_model_writes_with_the_same_seed(begin):
    run = begin("run", sample_prompt="the ", seed=7)
    learn(run)
    last = rows(run, "samples.jsonl")[-1]
    lm = gptviz.load(run.checkpoint(12))
    written = lm.generate("the ", 9, temperature=0.8, top_k=40, seed=7)
    assert last["prompt"] == "the "
    assert last["text"] == "".join(lm.tokenizer.decode([step.id]) for step in written)
    assert len(last["text"]) == 9


def test_a_sample_leaves_the_model_and_the_process_s_random_numbers_as_they_were():
    model = GPT(MODEL, torch.Generator().manual_seed(0)).train()
    state = torch.get_rng_state()
    first = sample_text(model, TOKENIZER, [0], 20, seed=0)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert sample_text(model, TOKENIZER, [0], 20, seed=0) == first, "without dropout"


def test_a_text_without_line_ends_is_sampled_from_its_first_symbol(begin):
    run = begin("run", text="abcdefgh" * 60)
    learn(run)
    assert rows(run, "samples.jsonl")[0]["prompt"] == "a"


def test_a_model_with_room_for_more_tokens_than_there_are_still_writes_text(begin):
    run = begin("run", text="ab" * 200, steps=2)
    learn(run)
    assert set(rows(run, "samples.jsonl")[0]["text"]) <= {"a", "b"}


def test_a_stopped_run_shows_how_it_ended_and_goes_on_as_if_it_had_not(begin):
    broken, whole = begin("broken"), begin("whole")
    learn(whole)
    learn(broken, stop_after=7)
    assert steps(broken, "samples.jsonl") == [0, 5, 7]
    assert broken.snapshots == [0, 1, 2, 5, 7]
    learn(Run(broken.folder))
    assert curve(broken) == pytest.approx(curve(whole), abs=1e-4)
    assert steps(broken, "samples.jsonl") == [0, 5, 7, 10, 12]
    assert len(broken.snapshots) == 5, "no more than were asked for"
    assert {0, 12} <= set(broken.snapshots)
    assert rows(broken, "samples.jsonl")[-1] == rows(whole, "samples.jsonl")[-1]


def test_a_run_that_has_nothing_left_to_do_writes_nothing_a_second_time(begin):
    rising = {"learning_rate": 0.3, "min_learning_rate": 0.3, "steps": 200, "patience": 2}
    whole, run = (begin(name, **rising, sample_interval=1000) for name in ("whole", "run"))
    learn(whole)
    last = whole.metrics[-1]["step"]
    learn(run, stop_after=last)
    assert "stopped_early" not in run.status, "it was stopped at the step that ended the other one"

    learn(run)
    assert run.status["stopped_early"]
    for name in ("samples.jsonl", "induction.jsonl"):
        assert steps(run, name) == steps(whole, name)


def test_what_was_written_of_steps_that_are_taken_again_is_dropped(begin):
    run = begin("run")
    learn(run)
    for observer in observers(run):
        observer.started(4)
    assert steps(run, "samples.jsonl") == [0]
    assert steps(run, "layers.jsonl") == [1, 4]
    assert steps(run, "induction.jsonl") == run.snapshots == [0, 1, 2]


def test_a_full_disk_costs_the_new_snapshot_and_neither_the_run_nor_an_earlier_one(begin):
    run = begin("run")
    learn(run, stop_after=2)
    before, watching = run.snapshots, observers(run)

    def end_of_step(step: int) -> None:
        for observer in watching:
            observer.step_done({"step": step})

    with room_for_files_of(3000):  # a row and the status, and no model
        end_of_step(5)
        warning = run.status["warning"]
        end_of_step(12)
    assert run.snapshots == before == [0, 1, 2]
    assert warning.startswith("the snapshot of step 5 could not be written (")
    assert "File too large" in warning
    assert str(run.folder) not in warning
    assert run.status["warning"] == warning, "told once"
    assert not list((run.folder / "snapshots").glob(".*")), "nothing half written is left"
    assert steps(run, "induction.jsonl")[-2:] == [5, 12], "what there is room for is written"
    end_of_step(5)
    assert run.snapshots == [0, 1, 2, 5]


def test_a_row_that_finds_no_room_is_told_and_training_goes_on(begin, monkeypatch):
    run = begin("run")
    monkeypatch.setattr(samples, "append_row", full_disk)
    learn(run)
    assert run.status["step"] == 12
    assert "samples.jsonl could not be written (No space left on device)" in run.status["warning"]


def test_snapshots_keep_within_their_bytes_and_within_their_number(begin, monkeypatch):
    n_bytes = 2 * GPT(MODEL).n_parameters
    monkeypatch.setattr(snapshots, "MOST_BYTES", 4 * n_bytes)
    run = begin("run", snapshots=10)
    learn(run)
    on_disk = sum(
        file.stat().st_size for file in (run.folder / "snapshots").rglob("*") if file.is_file()
    )
    assert on_disk <= 4 * n_bytes
    assert {0, 12} <= set(run.snapshots)
    assert len(run.snapshots) >= 2


def test_a_model_too_large_for_a_single_snapshot_has_none(begin, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_BYTES", 1000)
    run = begin("run")
    learn(run)
    assert run.snapshots == []


def test_a_model_too_small_for_induction_heads_is_not_searched_for_them(begin):
    run = begin("run", text="a" * 400, steps=2)
    learn(run)
    assert not (run.folder / "induction.jsonl").exists()


def test_induction_scores_in_training_are_those_of_the_saved_model(begin):
    from gptviz.subjects.induction.analysis import induction_scores

    run = begin("run")
    learn(run)
    row = rows(run, "induction.jsonl")[-1]
    found = induction_scores(gptviz.load(run.snapshot(12)))
    for mine, theirs in zip(row["scores"], found.heads, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-3)
    assert row["loss_first"] == pytest.approx(found.loss_first, abs=1e-2)
    assert row["loss_second"] == pytest.approx(found.loss_second, abs=1e-2)
