"""A run that ships: packed from a finished one, read like any other, and never written to."""

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import gptviz
from gptviz import checkpoints, disk, jobs
from gptviz.cli import main
from gptviz.disk import write_json
from gptviz.jobs import shipping
from gptviz.jobs.worker import work
from gptviz.model import GPTConfig
from gptviz.runs import Run, compare
from gptviz.training.config import TrainingConfig
from gptviz.training.record import induction, metrics

KEPT = 4  # of six snapshots
STAYS = "run ships with gptviz and stays as it is; clone its settings to train one of"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the models of the app lie."""
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "models"


@pytest.fixture
def trained(finished_run: Path) -> Run:
    return Run(finished_run)


@pytest.fixture
def story(root: Path, trained: Run) -> Run:
    return shipping.pack(trained, root / "story", KEPT)


@pytest.fixture
def curve(root: Path, trained: Run) -> Run:
    return shipping.pack_curve(trained, root / jobs.GALLERY / "curve")


def copy(run: Run, folder: Path) -> Run:
    return Run(Path(shutil.copytree(run.folder, folder)))


def state_of(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Everything that a folder holds, and when each file and folder in it was last changed."""
    return {
        path: (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
    }


def numbers(value: object) -> list[float]:
    """All numbers in a row, however deep they lie."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, int | float) else []


def test_a_packed_run_is_a_run_and_a_model_like_any_other(trained: Run, story: Run):
    assert [run.id for run in jobs.list_runs()] == checkpoints.names() == ["story"]
    assert jobs.find_run("story").folder == story.folder
    assert (story.name, story.created) == (trained.name, trained.created)
    assert (jobs.state(story), story.is_shipped, trained.is_shipped) == ("done", True, False)
    best = trained.status["best_step"]
    assert story.checkpoints == [best]
    trained_lm, lm = gptviz.load(trained.checkpoint(best)), gptviz.load("story")
    assert lm.tokenizer.encode("the king") == trained_lm.tokenizer.encode("the king")
    logits, expected = (model.trace("the king").logits for model in (lm, trained_lm))
    assert (logits - expected).abs().max() < 0.01  # half precision


def test_its_snapshots_are_spread_as_before_and_each_has_a_name(trained: Run, story: Run):
    kept, before = story.snapshots, trained.snapshots
    assert len(kept) == KEPT < len(before)
    assert set(kept) < set(before)
    assert [kept[0], kept[-1]] == [before[0], before[-1]]
    for step in kept:
        name = f"story@step-{step:06d}"
        logits = gptviz.load(name).trace("the king").logits
        assert torch.equal(logits, gptviz.load(trained.snapshot(step)).trace("the king").logits)
    folders = [story.snapshot(step) for step in kept] + [story.checkpoint(story.checkpoints[0])]
    for path in story.folder.rglob("*"):
        os.utime(path, (0, 0))  # as after an archive was unpacked
    assert len({checkpoints.fingerprint(folder) for folder in folders}) == KEPT + 1


def test_all_weights_are_in_half_precision_and_no_optimiser_is_among_them(story: Run):
    weights = list(story.folder.rglob("*.safetensors"))
    assert [path.name for path in weights] == ["model.safetensors"] * (KEPT + 1)
    assert {tensor.dtype for path in weights for tensor in load_file(path).values()} == {
        torch.float16
    }


def test_its_rows_are_the_same_with_five_digits(trained: Run, story: Run):
    for name in ("metrics.jsonl", "samples.jsonl", "layers.jsonl", "induction.jsonl"):
        rows, before = (disk.rows(run.folder / name) for run in (story, trained))
        assert len(rows) == len(before) > 0
        np.testing.assert_allclose(numbers(rows), numbers(before), rtol=1e-4)
        assert max(len(re.sub(r"e.*|[-.]", "", repr(n)).strip("0")) for n in numbers(rows)) <= 5
    texts = [row["text"] for row in disk.rows(story.folder / "samples.jsonl")]
    assert texts == [row["text"] for row in disk.rows(trained.folder / "samples.jsonl")]


def test_what_came_of_it_is_the_same_as_of_the_run_that_was_packed(trained: Run, story: Run):
    packed, before = compare.table([story, trained]).to_dict("records")
    names = packed.pop("run"), before.pop("run")
    assert names == ("run", "run 2")
    assert packed == pytest.approx(before, rel=1e-4, abs=3e-4)  # a gap is a difference


def test_its_settings_are_kept_and_nothing_tells_of_the_machine(
    root: Path, trained: Run, story: Run, curve: Run
):
    for run in (story, curve):
        assert run.config.data == "text.txt"
        assert {**run.settings, "data": ""} == {**trained.settings, "data": ""}
        assert run.text is None
    assert trained.text == Path(trained.config.data)
    private = (str(trained.folder.parent), str(root.parent), str(Path.home()), socket.gethostname())
    for path in root.rglob("*"):
        if path.is_file():
            assert not [word for word in private if word.encode() in path.read_bytes()], path


def test_what_is_known_of_it_beside_its_models_comes_along(root: Path, trained: Run, tmp_path):
    run = copy(trained, tmp_path / "copy")
    np.savez(run.folder / "token_counts.npz", counts=np.arange(3))
    run.write_rates([{"step": 9, "learning_rate": 0.005}])
    packed = shipping.pack(run, root / "story")
    with np.load(packed.folder / "token_counts.npz") as file:
        assert file["counts"].tolist() == [0, 1, 2]
    assert packed.rates == run.rates
    assert (packed.folder / "tokenizer").is_dir()
    assert not {"lock", "control.json", "log.txt"} & {path.name for path in root.rglob("*")}


def test_a_curve_ships_without_a_model_and_is_in_no_list_of_runs_or_models(
    trained: Run, curve: Run
):
    assert jobs.list_runs() == []
    assert checkpoints.names() == []
    assert [run.id for run in shipping.gallery()] == ["curve"]
    assert not list(curve.folder.rglob("*.safetensors"))
    course, before = metrics.read(curve.folder), metrics.read(trained.folder)
    for name in metrics.COLUMNS:
        np.testing.assert_allclose(course[name], before[name], rtol=1e-4)
    assert len(disk.rows(curve.folder / "samples.jsonl")) == 4
    assert len(induction.read(curve.folder).steps) == 6
    with pytest.raises(FileNotFoundError, match=r"has no checkpoint; .* or choose another model"):
        gptviz.load(curve.folder)


def test_a_curve_of_fifteen_hundred_steps_is_light_enough(root: Path, trained: Run, tmp_path):
    run = copy(trained, tmp_path / "copy")
    rows = [{**run.metrics[i % 30], "step": i + 1, "seconds": i / 7} for i in range(1500)]
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    packed = shipping.pack_curve(run, root / jobs.GALLERY / "long")
    assert len(packed.metrics) == 1500
    assert sum(path.stat().st_size for path in packed.folder.iterdir()) <= 200_000


@pytest.mark.parametrize("pack", [shipping.pack, shipping.pack_curve])
def test_a_run_that_is_too_large_to_ship_is_refused_and_leaves_nothing(root, trained, pack):
    with pytest.raises(ValueError, match=r"takes [\d,]+ bytes, and 1,000 may ship; (keep|train)"):
        pack(trained, root / "story", most_bytes=1000)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("state", ["stopped", "failed", "running"])
def test_only_a_run_that_is_done_can_ship(root: Path, tmp_path: Path, state: str):
    run = Run.create(tmp_path / "run", TrainingConfig(GPTConfig(5, 8, 1, 1, 4), "text.txt"))
    run.update_status({"state": state})
    with pytest.raises(ValueError, match="run is not done; only a run that is done can ship"):
        shipping.pack(run, root / "story")
    assert not root.exists()


def test_a_folder_that_is_there_is_not_overwritten(trained: Run, story: Run):
    before = state_of(story.folder)
    with pytest.raises(FileExistsError, match="story is there already; remove it, or choose"):
        shipping.pack(trained, story.folder)
    assert state_of(story.folder) == before


DEEDS: dict[str, Callable[[Run], None]] = {
    "pause": jobs.pause,
    "stop": jobs.stop,
    "resume": jobs.resume,
    "delete": jobs.delete,
    "rename": lambda run: jobs.rename(run, "Mine"),
    "change the rate": lambda run: jobs.set_learning_rate(run, 0.1),
    "train": work,
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_nothing_can_be_done_to_a_run_that_ships_and_nothing_is_written(
    story: Run, curve: Run, deed: Callable[[Run], None]
):
    for run in (story, curve):
        before = state_of(run.folder)
        with pytest.raises(ValueError, match=re.escape(STAYS)):
            deed(run)
        assert state_of(run.folder) == before


def test_the_commands_refuse_it_too(root: Path, story: Run, curve: Run, capsys):
    before = state_of(root)
    for name in ("story", str(story.folder), str(curve.folder)):
        assert main(["resume", name]) == 1
        assert STAYS in capsys.readouterr().err
    assert main(["train", "--run", str(story.folder)]) == 1
    assert "already holds a run" in capsys.readouterr().err
    assert main(["export", "shakespeare", str(story.folder)]) == 1
    assert state_of(root) == before


def test_to_look_at_it_writes_nothing(root: Path, story: Run, curve: Run, capsys):
    before = state_of(root)
    assert main(["runs"]) == 0
    assert main(["compare", "story", str(curve.folder)]) == 0
    capsys.readouterr()
    for run in (story, curve):
        assert (jobs.state(run), run.is_held, jobs.queue_position(run)) == ("done", False, 0)
    gptviz.load("story").trace("the king")
    assert state_of(root) == before


@pytest.mark.usefixtures("story", "curve")
def test_runs_that_were_made_here_come_first_however_old_they_are(root: Path, trained: Run, capsys):
    for name, created in (("old", "1999"), ("new", "2099")):
        run = copy(trained, root / name)
        write_json(run.folder / "about.json", {"created": created})
    assert [run.id for run in jobs.list_runs()] == ["new", "old", "story"]
    assert main(["runs"]) == 0
    told = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in told] == ["new", "old", "run"]
    assert ["ships with gptviz" in line for line in told] == [False, False, True]
    assert main(["compare", "story", "old"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["run", "old"]


@pytest.mark.usefixtures("story")
def test_what_ships_is_looked_for_where_the_models_are(
    curve: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "elsewhere"))
    assert jobs.list_runs() == shipping.gallery() == []
    assert [run.id for run in shipping.gallery(curve.folder.parents[1])] == ["curve"]


def test_a_broken_mark_keeps_nobody_from_training_on(tmp_path: Path):
    run = Run.create(tmp_path / "run", TrainingConfig(GPTConfig(5, 8, 1, 1, 4), "text.txt"))
    (run.folder / "about.json").write_text("{half")
    assert not run.is_shipped
    with run.locked():
        assert run.is_held
