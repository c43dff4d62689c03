"""What a run's folder tells, even if some of it is missing or broken."""

import json
import resource
from pathlib import Path

import pytest

from gptviz.disk import append_row, drop_rows_after, write_json
from gptviz.model import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

CONFIG = TrainingConfig(GPTConfig(5, 8, 1, 1, 4), "text.txt")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "My run", CONFIG)


def test_a_run_is_called_as_its_folder_and_knows_its_time(run: Run):
    assert run.id == run.name == "My run"
    assert Run(run.folder).created == run.created
    assert run.created.endswith("+00:00")
    assert run.config == CONFIG


def test_a_run_of_an_earlier_version_has_a_name_and_a_time_too(run: Run):
    (run.folder / "about.json").unlink()
    assert run.name == "My run"
    assert run.created.endswith("+00:00")
    old = CONFIG.to_dict()
    for name in ("bpe_vocab_size", "schedule", "patience", "sample_interval", "snapshots"):
        del old[name]
    old["model"]["attention"] = "explicit"  # which the learner chooses now
    write_json(run.folder / "config.json", old)
    assert Run(run.folder).config == CONFIG


@pytest.mark.parametrize("content", ["{half", "[]", "", "[" * 100_000, "\0"])
def test_a_status_that_cannot_be_read_is_told_in_a_sentence_and_can_be_replaced(run, content):
    (run.folder / "status.json").write_text(content)
    assert run.status["state"] == "failed"
    assert "status.json" in run.status["error"]
    assert run.status["error"].endswith("resume goes on from the last checkpoint without it")
    run.update_status({"state": "running", "step": 3})
    assert run.status == {"state": "running", "step": 3}


def test_lines_of_metrics_that_are_broken_are_left_out_and_dropped(run: Run):
    path = run.folder / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"st\n[2]\n\xff\n{"no": "step"}\n{"step": 2}\n{"step": 3}\n{"st')
    assert [row["step"] for row in run.metrics if "step" in row] == [1, 2, 3]
    drop_rows_after(path, 2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_nothing_is_dropped_where_nothing_was_written(tmp_path: Path):
    drop_rows_after(tmp_path / "samples.jsonl", 3)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file_and_no_half_line(run: Run):
    status, metrics = run.folder / "status.json", run.folder / "metrics.jsonl"
    run.update_status({"state": "running"})
    append_row(metrics, {"step": 1})
    before = status.read_text(), metrics.read_text()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before[1]) + 3, limits[1]))
    try:
        with pytest.raises(OSError, match=r"status\.json could not be written \(File too large\)"):
            run.update_status({"error": "long"})
        with pytest.raises(OSError, match=r"metrics\.jsonl could .*; allow larger files"):
            append_row(metrics, {"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (status.read_text(), metrics.read_text()) == before


def test_a_wish_leaves_other_wishes_as_they_are_and_replaces_what_is_broken(run: Run):
    run.update_control({"learning_rate": 0.5})
    run.update_control({"command": "pause"})
    assert run.control == {"learning_rate": 0.5, "command": "pause"}
    (run.folder / "control.json").write_text("{half")
    run.update_control({"command": "stop"})
    assert run.control == {"command": "stop"}


def test_the_kept_steps_are_those_that_are_whole(run: Run):
    for name in ("step-000010", "step-000002", ".step-000003.partial", "step-1", "other"):
        (run.folder / "snapshots" / name).mkdir(parents=True)
    (run.folder / "snapshots" / "step-000004").write_text("a file")
    assert run.snapshots == [2, 10]
    assert run.snapshot(2).name == "step-000002"
    assert run.checkpoints == []


def test_a_lock_is_seen_and_seeing_it_takes_nothing_away(run: Run):
    assert not run.is_held
    with run.locked():
        assert run.is_held
        assert run.is_held
        with pytest.raises(ValueError, match="is being trained by another process; stop that one"):
            run.locked().__enter__()
    assert not run.is_held


def test_a_list_of_runs_is_read_without_pytorch(run: Run, python):
    code = f"""
import sys
from pathlib import Path
from gptviz import jobs
[run] = jobs.list_runs(Path({str(run.folder.parent)!r}))
print(run.name, jobs.state(run), "torch" in sys.modules)
"""
    assert python(code).split() == ["My", "run", "crashed", "False"]


def test_settings_that_cannot_work_are_told_when_they_are_asked_for(run: Run):
    values = json.loads((run.folder / "config.json").read_text())
    write_json(run.folder / "config.json", {**values, "steps": 0})
    with pytest.raises(ValueError, match="steps is 0; it must be a whole number, 1 or more"):
        _ = Run(run.folder).config
