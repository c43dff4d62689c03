"""What a command prints ends no command, whatever terminal or program reads it."""

import codecs
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gptviz.cli import main, settings
from gptviz.config import GPTConfig
from gptviz.runs import Run
from gptviz.training.config import TrainingConfig

KOREAN = "옛날 옛적에 호랑이가 살았습니다. " * 40
Command = Callable[..., subprocess.CompletedProcess[bytes]]
RAW = [pytest.param({}, id="buffered"), pytest.param({"PYTHONUNBUFFERED": "1"}, id="unbuffered")]
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `gptviz` in a process of its own whose models lie in tmp_path/checkpoints."""

    def run(*words: str, stdout: int = subprocess.PIPE, **environment: str):
        usual = {**os.environ, "GPTVIZ_CHECKPOINTS": str(tmp_path / "checkpoints")}
        return subprocess.run(
            [sys.executable, "-m", "gptviz", *words],
            env={**usual, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def closed_pipe() -> int:
    """The end of a pipe into which a program writes that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = TrainingConfig(GPTConfig(30, 8, 1, 2, 8), str(tmp_path / "text.txt"))
    return Run.create(tmp_path / "checkpoints" / "한국 naïve", config)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii:strict", "utf-8"])
@pytest.mark.usefixtures("run")
def test_a_name_that_a_terminal_has_no_letters_for_is_spelt_out(command, encoding):
    found = command("runs", PYTHONIOENCODING=encoding)
    assert (found.returncode, found.stderr) == (0, b"")
    character_set = encoding.partition(":")[0]
    assert "한국 naïve".encode(character_set, "backslashreplace") in found.stdout
    wrong = command("compare", "한국!", PYTHONIOENCODING=encoding)
    assert wrong.returncode == 1
    assert "there is no run '한국!'".encode(character_set, "backslashreplace") in wrong.stderr


def test_samples_in_any_script_are_written_where_a_terminal_has_no_letters_for_them(
    command, begin, tmp_path
):
    (tmp_path / "korean.txt").write_text(KOREAN, encoding="utf-8")
    words = begin("run", data=tmp_path / "korean.txt", sample_interval=4, sample_prompt="호랑이")
    trained = command(*words, PYTHONIOENCODING="cp1252")
    assert trained.returncode == 0, trained.stderr.decode()
    assert rb"step 12 writes: \ud638\ub791\uc774" in trained.stdout
    assert Run(tmp_path / "run").status["state"] == "done"
    out = str(tmp_path / "모형")
    exported = command("export", str(tmp_path / "run"), out, PYTHONIOENCODING="cp1252")
    assert exported.returncode == 0, exported.stderr.decode()
    assert rb"\ubaa8\ud615: " in exported.stdout


@pytest.mark.parametrize("raw", RAW)
@pytest.mark.parametrize("words", [["runs"], ["train", "--help"], ["compare", "한국 naïve"]])
@pytest.mark.usefixtures("run")
def test_a_reader_who_has_left_is_no_error(command, closed_pipe, words, raw):
    try:
        found = command(*words, stdout=closed_pipe, **raw)
    finally:
        os.close(closed_pipe)
    assert (found.returncode, found.stderr) == (0, b"")


def test_a_run_goes_on_after_the_reader_of_its_samples_has_left(
    command, begin, closed_pipe, tmp_path
):
    try:
        found = command(*begin("run", sample_interval=4), stdout=closed_pipe)
    finally:
        os.close(closed_pipe)
    assert found.returncode == 0
    assert b"roken pipe" not in found.stderr
    assert Run(tmp_path / "run").status["state"] == "done"


@full
@pytest.mark.parametrize("raw", RAW)
@pytest.mark.usefixtures("run")
def test_a_table_that_finds_no_room_is_an_error_in_one_sentence(command, raw):
    with open("/dev/full", "wb") as device:
        found = command("runs", stdout=device.fileno(), **raw)
    assert found.returncode == 1
    assert found.stderr == (
        b"gptviz: what is printed could not be written (No space left on device); "
        b"make room, or print it elsewhere\n"
    )


@full
def test_a_run_does_not_end_because_its_words_find_no_room(command, begin, tmp_path):
    with open("/dev/full", "wb") as device:
        found = command(*begin("run", sample_interval=4), stdout=device.fileno())
    assert found.returncode == 0, found.stderr.decode()
    assert Run(tmp_path / "run").status["state"] == "done"


def test_the_process_that_calls_a_command_keeps_its_own_output():
    before = sys.stdout, sys.stderr
    assert main(["runs", "nowhere"]) == 0
    assert (sys.stdout, sys.stderr) == before


def test_what_an_editor_saves_with_a_mark_for_utf_8_is_read(tmp_path, run):
    path = tmp_path / "run.toml"
    path.write_bytes(codecs.BOM_UTF8 + 'sample_prompt = "옛날"\n'.encode())
    assert settings.from_file(path) == {"sample_prompt": "옛날"}
    for name in ("config.json", "about.json"):
        file = run.folder / name
        file.write_bytes(codecs.BOM_UTF8 + file.read_bytes())
    again = Run(run.folder)
    assert (again.settings, again.created) == (run.settings, run.created)


def test_a_file_for_a_table_that_cannot_be_written_is_named(run, tmp_path, capsys):
    path = tmp_path / "no folder" / "table.csv"
    assert main(["compare", str(run.folder), "--csv", str(path)]) == 1
    assert capsys.readouterr().err == (
        f"gptviz: {path} could not be written (No such file or directory); name another file\n"
    )
