"""What came of the shipped series, beside sums by hand; and sizes beside transformers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from transformers import GPT2Config, GPT2LMHeadModel

from gptviz import jobs
from gptviz.disk import append_row
from gptviz.jobs.build_up import READY_MADE, SHAPES, STAGES
from gptviz.runs import Run
from gptviz.subjects.build_up import analysis, figures, sentences

SHIPPED = Path(__file__).parents[3] / "checkpoints" / jobs.GALLERY
LETTERS = 78  # different characters of the plays
NAN = math.nan


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The stages as they ship, in a folder of models in which nobody trained."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    (tmp_path / jobs.GALLERY).symlink_to(SHIPPED)
    found = [run for run in analysis.latest(STAGES) if run]
    assert [run.id for run in found] == [preset.name for preset in STAGES]
    return found


def rows(run: Run) -> list[dict]:
    lines = (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_losses_are_told_in_bits_a_byte_of_the_text(runs):
    table = analysis.courses(runs)
    assert list(table) == ["step", *(preset.title for preset in STAGES)]
    for run in runs:
        status = json.loads((run.folder / "status.json").read_text(encoding="utf-8"))
        losses = [row["val_loss"] for row in rows(run) if "val_loss" in row]
        bits = np.array(losses) / math.log(2) / status["val_bytes_per_token"]
        np.testing.assert_allclose(table[run.name], bits)
    best = analysis.results(runs)
    np.testing.assert_allclose(best["best_bits_per_byte"], table.drop(columns="step").min())


def test_what_is_said_of_the_stages_is_so(runs):
    """The page's words about what a stage brings, of the runs that ship."""
    bits = analysis.results(runs).set_index("run")["best_bits_per_byte"]
    status = runs[0].status
    counted = status["baselines"]["bigram"] / math.log(2) / status["val_bytes_per_token"]
    for title in ("Bigram", "Positions and MLP"):  # who sees one letter does no better
        assert counted < bits[title] < counted + 0.15
    assert bits["Norms and dropout"] < counted < bits["One masked head"] < bits["Bigram"]
    assert bits["BPE"] < bits["Four heads"] < bits["Norms and dropout"]


def test_a_series_has_the_newest_run_of_each_and_passes_over_one_that_tells_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    (tmp_path / jobs.GALLERY).symlink_to(SHIPPED)
    preset = STAGES[0]
    config = preset.config("text.txt", LETTERS)
    run = Run.create(tmp_path / "mine", config, preset.name)
    monkeypatch.setattr(jobs, "state", lambda run: run.status["state"])
    for state, is_shipped in (("queued", True), ("stopped", True), ("done", False)):
        run.update_status({"state": state})
        assert analysis.latest(STAGES[:1])[0].is_shipped is is_shipped
        assert analysis.n_living(STAGES) == (state == "queued")
    row = {"step": 50, "train_loss": 2.6, "val_loss": 2.5}
    append_row(run.folder / "metrics.jsonl", row)
    for state, is_shipped in (("running", False), ("stopped", True)):
        run.update_status({"state": state})
        assert analysis.latest(STAGES[:1])[0].is_shipped is is_shipped


def test_a_sample_is_the_last_text_with_its_prompt(tmp_path):
    run = Run.create(tmp_path / "mine", STAGES[0].config("text.txt", LETTERS))
    assert analysis.sample(run) is None
    for step in (0, 300):
        append_row(
            run.folder / "samples.jsonl", {"step": step, "prompt": "\nO", "text": f"h{step}"}
        )
    assert analysis.sample(run) == (300, "Oh300")


@pytest.mark.parametrize("size", SHAPES)
def test_a_shape_has_as_many_parameters_as_transformers_gives_it(size: str):
    import torch

    for row, preset in zip(analysis.sizes(size).itertuples(), SHAPES[size], strict=True):
        assert row.shape == preset.title
        config = GPT2Config(
            vocab_size=LETTERS,
            n_positions=64,
            n_embd=row.width,
            n_layer=row.blocks,
            n_head=row.heads,
        )
        with torch.device("meta"):
            model = GPT2LMHeadModel(config)
        counts = {name: p.numel() for name, p in model.named_parameters()}
        assert row.parameters == sum(counts.values())
        assert pytest.approx(sum(counts.values()) * 4 / 1e6) == row.MB
        of_blocks = sum(n for name, n in counts.items() if ".attn." in name or ".mlp." in name)
        assert row._6 == of_blocks


def test_a_forward_pass_of_each_shape_is_measured_and_its_progress_told(monkeypatch):
    told: list[tuple[int, int]] = []
    measured = []

    def measure(config, progress):
        measured.append((config.n_layer, config.n_embd, config.n_head))
        progress(0, 2)
        progress(1, 2)
        return type("Measured", (), {"n_read": 64, "forward": 0.001 * len(measured)})

    monkeypatch.setattr(analysis.work_analysis, "measure", measure)
    table = analysis.forward_times("quarter", lambda done, whole: told.append((done, whole)))
    assert measured == [(6, 96, 6), (12, 64, 4), (3, 128, 8), (6, 96, 12)]
    assert told == [(i, 8) for i in range(8)]
    assert table["milliseconds"].tolist() == pytest.approx([1, 2, 3, 4])
    assert table["shape"].tolist() == [preset.title for preset in READY_MADE[-4:]]


def test_what_a_stage_brings_is_told_by_rules():
    assert sentences.of_stage([3.5], 0) == "It reaches 3.500 bits a byte."
    assert sentences.of_stage([3.5, NAN], 1) == "It has no validation loss yet."
    assert sentences.of_stage([NAN, 3.0], 1) == "It reaches 3.000 bits a byte."
    assert sentences.of_stage([3.5, 3.0], 1).endswith("That is 0.500 lower: it helps.")
    assert sentences.of_stage([3.0, 3.5], 1).endswith("0.500 higher: here it does not help.")
    assert sentences.of_stage([3.0, 3.019], 1).endswith("so close that it may be chance.")


def test_the_whole_way_is_told_with_its_largest_step():
    assert sentences.of_stages(["a", "b"], [3.0, NAN]) == ""
    told = sentences.of_stages(["a", "b", "c"], [3.5, 3.4, 2.9])
    assert told == (
        "From “a” with 3.500 to “c” with 2.900 bits a byte. The largest step down is “c”: 0.500."
    )
    assert "step down" not in sentences.of_stages(["a", "b"], [3.0, 3.1])
    assert "step down" not in sentences.of_stages(["a", "b", "c"], [3.0, NAN, 2.0])


def test_shapes_are_told_apart_where_they_differ():
    assert sentences.of_losses(["a", "b"], [2.0, NAN]) == ""
    assert sentences.of_losses(["a", "b"], [2.0, 2.01]) == (
        "All end within 0.010 bits a byte: so close that it may be chance."
    )
    told = sentences.of_losses(["a", "b", "c"], [2.1, 2.0, 2.4])
    assert "“b” ends lowest with 2.000" in told
    assert "“c” highest with 2.400" in told


def test_a_legend_has_short_names_and_the_chosen_line_is_thick(runs):
    table = analysis.courses(runs)
    short = [str(i) for i in range(1, 9)]
    figure = figures.courses(table, {}, "light", "BPE", short)
    assert [line.name for line in figure.data] == short
    assert "BPE: %{y" in figure.data[6].hovertemplate
    widths = [line.line.width for line in figure.data]
    assert widths[6] > max(widths[:6])
