"""A run may be called as people call folders, or is refused before it begins."""

import shutil
import sys
from pathlib import Path

import pytest

from gptviz import checkpoints, jobs
from gptviz.cli import main
from gptviz.runs import Run, names

GOOD = [
    "my run",
    "한국",
    "run#1",
    "a%b",
    "v1.0+lr",
    "n" * 70,
    "a&b=c",
    "x@y",
    "~",
    "%2e%2e",
    "[x](y)",
]
BAD = [".hidden", "a\nb", "a\tb", "a\u202eb", "zero\u200bwidth"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are in Unicode")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "models").mkdir()
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def stopped(finished_run: Path, tmp_path: Path) -> Path:
    """A run that can be gone on with, of which 10 steps are left."""
    folder = shutil.copytree(finished_run, tmp_path / "stopped")
    shutil.rmtree(folder / "checkpoints" / "step-000030", ignore_errors=True)
    Run(folder).update_status({"state": "stopped", "last_step": 20, "best_step": 20})
    return folder


@pytest.mark.parametrize("name", GOOD)
def test_a_run_of_any_usual_name_is_listed_found_and_opened(root, finished_run, name):
    shutil.copytree(finished_run, root / name)
    names.require_folder(root / name)
    assert [run.name for run in jobs.list_runs()] == [jobs.find_run(name).name] == [name]
    assert checkpoints.names() == [name]
    assert checkpoints.find_listed(name).is_relative_to(root / name)
    assert checkpoints.find_listed(f"{name}@step-000000").name == "step-000000"
    assert main(["compare", name]) == 0
    assert main(["resume", name]) == 0, "it is done, which is no error"


def test_a_run_goes_on_by_a_name_of_any_signs(root, stopped, capsys):
    stopped.rename(root / "한국 #1 50%")
    assert main(["resume", "한국 #1 50%"]) == 0
    assert Run(root / "한국 #1 50%").status["last_step"] == 30
    assert "validation loss" in capsys.readouterr().out


@pytest.mark.parametrize("name", BAD)
def test_a_run_that_no_list_would_show_is_refused_before_anything_is_read(
    root, begin, capsys, name
):
    words = begin("run", data=root / "no such text.txt")
    words[words.index("--run") + 1] = str(root / name)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"gptviz: {str(root / name)!r} cannot be the folder of a run")
    assert error.count("\n") == 1
    assert not list(root.iterdir())


@pytest.mark.parametrize("name", BAD)
def test_a_model_under_a_name_that_cannot_be_shown_is_in_no_list(root, finished_run, name):
    shutil.copytree(finished_run, root / name)
    assert checkpoints.names() == []
    assert jobs.list_runs() == []
    with pytest.raises(FileNotFoundError, match="there is no model"):
        checkpoints.find_listed(name)


@linux
@pytest.mark.parametrize(
    "words",
    [
        ["train", "--run", "{}", "--data", "{text}"],
        ["train", "--run", "run", "--data", "{}"],
        ["export", "{run}", "{}"],
        ["prepare", "{text}", "{}"],
        ["prepare", "{}", "folder"],
    ],
)
def test_a_path_that_is_not_in_utf_8_is_refused_in_one_sentence(
    root, finished_run, text_file, tmp_path, monkeypatch, capsys, words
):
    monkeypatch.chdir(tmp_path)
    bad = str(root / "caf\udce9")  # é in Latin-1
    told = [word.format(bad, text=text_file, run=finished_run) for word in words]
    assert main(told) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"gptviz: the path {bad!r} is not in UTF-8, so neither a page")
    assert error.count("\n") == 1
    assert not list(root.iterdir())
