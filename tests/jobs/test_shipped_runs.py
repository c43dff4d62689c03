"""The runs that ship: `story` with its whole past, and curves of runs beside each other."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from gptviz import checkpoints, jobs
from gptviz.jobs import shipping
from gptviz.jobs.build_up import READY_MADE
from gptviz.jobs.failures import FAILURES
from gptviz.jobs.presets import Preset
from gptviz.runs import Run
from gptviz.subjects.sharing.pair import PAIR
from gptviz.tokenizers import CharacterTokenizer
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.training import data
from gptviz.training.baselines import baselines

FOLDER = Path(__file__).parents[2] / "checkpoints"
STORY = FOLDER / "story"
FAILED = {p.name: p for failure in FAILURES for p in (failure.preset, failure.baseline)}
BUILT = {preset.name: preset for preset in READY_MADE}
PRESETS = FAILED | {preset.name: preset for preset in PAIR} | BUILT


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_the_story_is_small_and_finished():
    run = Run(STORY)
    assert run.is_shipped
    assert run.status["state"] == "done"
    model, tokenizer = checkpoints.read(checkpoints.find(str(STORY)))
    assert model.n_parameters <= 1_200_000
    assert 2 <= model.config.n_layer <= 4
    assert 900 <= tokenizer.vocab_size <= 1100
    assert size(STORY) <= 40_000_000


def test_the_story_has_its_whole_past():
    run = Run(STORY)
    steps = [row["step"] for row in rows(STORY / "metrics.jsonl")]
    assert steps == list(range(1, run.config.steps + 1))
    assert 14 <= len(run.snapshots) <= 17
    assert (run.snapshots[0], run.snapshots[-1]) == (0, run.config.steps)
    for step in run.snapshots:
        with safe_open(run.snapshot(step) / "model.safetensors", "pt") as file:
            assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118
    assert len(rows(STORY / "samples.jsonl")) >= 10
    assert {"grad_norm", "weight_norm", "update_ratio"} <= rows(STORY / "layers.jsonl")[0].keys()


def test_the_story_says_how_many_bytes_its_held_out_tokens_have():
    status = Run(STORY).status
    assert status["train_bytes_per_token"] == pytest.approx(2.8326, abs=1e-4)
    assert status["val_bytes_per_token"] == pytest.approx(2.8403, abs=1e-4)


def test_an_induction_head_is_born_in_the_story():
    best = {row["step"]: max(map(max, row["scores"])) for row in rows(STORY / "induction.jsonl")}
    steps = sorted(best)
    assert best[steps[0]] < 0.1
    assert max(best.values()) >= 0.5
    assert best[steps[-1]] > 0.4, "and it stays, if not as sharp"


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_run_of_the_gallery_ships_as_it_is_made_today(preset: Preset):
    folder = FOLDER / jobs.GALLERY / preset.name
    run = Run(folder)
    assert run.is_shipped
    assert (run.name, run.preset) == (preset.title, preset.name)
    told = {**run.settings, **run.settings["model"]}
    for name, value in {**preset.model, **preset.settings}.items():
        assert told[name] == value, name
    assert size(folder) <= 200_000
    assert not list(folder.rglob("*.safetensors"))
    assert rows(folder / "metrics.jsonl")


def test_what_was_built_up_ships_in_few_bytes():
    assert sum(size(FOLDER / jobs.GALLERY / name) for name in BUILT) <= 150_000
    for name in BUILT:
        folder = FOLDER / jobs.GALLERY / name
        run, told = Run(folder), rows(folder / "metrics.jsonl")
        assert told[-1]["step"] == run.config.steps
        assert [row["step"] for row in told if "val_loss" in row] == [
            *range(run.config.eval_interval, run.config.steps + 1, run.config.eval_interval)
        ]
        assert len(rows(folder / "samples.jsonl")) == 3


@pytest.mark.parametrize("preset", FAILED.values(), ids=FAILED)
def test_every_run_of_the_failure_gallery_says_what_counting_alone_would_reach(preset: Preset):
    text = preset.reads(SHAKESPEARE)
    tokenizer = CharacterTokenizer.from_text(text)
    ids = data.split(data.encode(text, tokenizer), preset.model["block_size"])
    told = Run(FOLDER / jobs.GALLERY / preset.name).status["baselines"]
    assert told == pytest.approx(baselines(*ids, tokenizer.vocab_size))


def test_without_shortcuts_a_deep_run_only_counts_letters_and_with_them_it_beats_counting_pairs():
    bare, usual = (
        Run(FOLDER / jobs.GALLERY / name).status for name in ("no-shortcuts", "deep-pre-norm")
    )
    assert bare["best_val_loss"] == pytest.approx(bare["baselines"]["unigram"], abs=0.03)
    assert usual["best_val_loss"] < usual["baselines"]["bigram"]


def test_no_path_of_another_machine_ships():
    for path in (*STORY.rglob("*.json*"), *(FOLDER / jobs.GALLERY).rglob("*.json*")):
        settings = path.read_text(encoding="utf-8")
        if path.name == "config.json" and "data" in (values := json.loads(settings)):
            assert values["data"] == Path(values["data"]).name


def test_every_run_says_how_many_tokens_it_trains_on():
    told = {run.preset: run.status["train_tokens"] for run in shipping.gallery(FOLDER)}
    for name, preset in FAILED.items():
        if preset.settings["tokenizer"] == "char":
            text = preset.reads(SHAKESPEARE)
            assert told[name] == len(text) - len(text) // 10
    counted = np.load(STORY / "token_counts.npz")["counts"].sum()
    assert Run(STORY).status["train_tokens"] == counted
