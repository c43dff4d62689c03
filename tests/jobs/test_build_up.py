"""The stages of a model that is built up, four shapes of one budget, and how they are made."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from gptviz import jobs, parameters
from gptviz.config import GPTConfig
from gptviz.jobs import ready_made
from gptviz.jobs.build_up import READY_MADE, SHAPES, STAGES
from gptviz.jobs.experiments import TITLES
from gptviz.jobs.presets import Preset
from gptviz.runs import Run
from gptviz.training.record import metrics


def differing(one: Preset, other: Preset) -> set[str]:
    """The settings that differ, one that only one has among them."""
    before, after = ({**preset.model, **preset.settings} for preset in (one, other))
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_each_stage_is_the_one_before_with_one_thing_more():
    dropouts = {"embd_pdrop", "attn_pdrop", "resid_pdrop"}
    told = {
        "Positions and MLP": {"n_layer", "attention", "position"},
        "One masked head": {"attention"},
        "Norms and dropout": {"norm", *dropouts},
        "Four heads": {"n_head"},
        "Four blocks": {"n_layer"},
        "BPE": {"tokenizer", "bpe_vocab_size"},
        "Tied weights": {"tie_weights"},
    }
    assert [preset.title for preset in STAGES] == ["Bigram", *told]
    for before, after in itertools.pairwise(STAGES):
        assert differing(before, after) == told[after.title]


def test_the_last_stage_is_a_gpt_2():
    last, usual = GPTConfig(vocab_size=1024, **STAGES[-1].model), GPTConfig()
    for name in ("position", "norm", "attention", "mlp", "residual", "tie_weights", "qkv_bias"):
        assert getattr(last, name) == getattr(usual, name)


def test_all_runs_of_a_series_read_as_many_tokens_from_the_same_seed():
    for series in (STAGES, *SHAPES.values()):
        configs = [preset.config("text.txt", vocab_size=1024) for preset in series]
        assert {config.tokens_per_step * config.steps for config in configs} == {614_400}
        assert {config.seed for config in configs} == {0}


def test_the_shapes_are_those_of_the_course_and_a_quarter_as_wide():
    def shapes(size: str) -> list[tuple[int, ...]]:
        names = ("n_layer", "n_embd", "n_head")
        return [tuple(preset.model[name] for name in names) for preset in SHAPES[size]]

    assert shapes("full") == [(6, 384, 6), (12, 256, 4), (3, 512, 8), (6, 384, 12)]
    assert shapes("quarter") == [(L, C // 4, H) for L, C, H in shapes("full")]
    for size in SHAPES:
        blocks = [12 * L * C * C for L, C, _ in shapes(size)]
        assert max(blocks) / min(blocks) == pytest.approx(1.125)


def test_each_has_a_title_that_an_experiment_knows():
    for preset in READY_MADE:
        assert TITLES[preset.name] == preset.title
        assert parameters.count(preset.config("text.txt", vocab_size=78).model) < 1_500_000


def test_what_ships_is_made_by_one_command(tmp_path: Path):
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be, that is the question. " * 60, encoding="utf-8")
    tiny = replace(
        STAGES[0],
        model={**STAGES[0].model, "n_embd": 8, "block_size": 8},
        settings={**STAGES[0].settings, "steps": 60, "batch_size": 2, "sample_interval": 30},
    )
    (run,) = ready_made.make([tiny], tmp_path, text)
    assert run.folder == tmp_path / jobs.GALLERY / "stage-bigram"
    assert (run.name, run.preset, run.is_shipped) == ("Bigram", "stage-bigram", True)
    course = metrics.read(Run(run.folder).folder)
    assert course["step"].tolist() == [1, 25, 50, 60]
    assert course.validations[0].tolist() == [50, 60]
