"""A full disk, a quota or a killed process leaves the model that was there before."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import torch

from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer
from gptviz.tokenizers.baselines import raw_bytes

CONFIG = GPTConfig(vocab_size=7, block_size=8, n_layer=2, n_head=2, n_embd=32)
TOKENIZER = CharacterTokenizer("abcdefg")

# Saves another model over the old one, and is killed by the kernel in the middle of it.
DIE = """
import resource, signal, sys, torch
from pathlib import Path
from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

folder, where = Path(sys.argv[1]), sys.argv[2]
model = GPT(GPTConfig(7, 8, 2, 2, 32), torch.Generator().manual_seed(1))
if where == "in the weights":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

class Tokenizer(CharacterTokenizer):
    def save(self, folder):
        super().save(folder)
        if where == "before the weights":
            signal.raise_signal(signal.SIGKILL)

checkpoints.save(folder, model, Tokenizer("gfedcba"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = GPT(CONFIG, torch.Generator().manual_seed(0))
    checkpoints.save(tmp_path / "model", model, TOKENIZER)
    return tmp_path / "model"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@contextmanager
def no_file_larger_than(limit: int) -> Iterator[None]:
    """The kernel refuses to write more, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [0, 20, 300, 10_000])
def test_a_full_disk_leaves_the_old_model_and_is_told_in_words(limit: int, folder: Path):
    before = contents(folder)
    model = GPT(CONFIG, torch.Generator().manual_seed(1))
    with pytest.raises(OSError, match="could not be written") as info, no_file_larger_than(limit):
        checkpoints.save(folder, model, CharacterTokenizer("gfedcba"))
    assert str(folder) in str(info.value)
    assert "File too large" in str(info.value)
    assert "allow larger files or choose another folder" in str(info.value)
    assert contents(folder) == before
    assert sorted(file.name for file in folder.iterdir()) == sorted(before)

    checkpoints.save(folder, model, CharacterTokenizer("gfedcba"))
    assert contents(folder)["model.safetensors"] != before["model.safetensors"]
    assert checkpoints.read(folder)[1].encode("a") == [6]


@pytest.mark.parametrize(
    ("where", "died_of"),
    [("in the weights", signal.SIGXFSZ), ("before the weights", signal.SIGKILL)],
)
def test_a_killed_process_leaves_the_old_model(where: str, died_of: int, folder: Path):
    before = contents(folder)
    done = subprocess.run([sys.executable, "-c", DIE, str(folder), where])
    assert done.returncode == -died_of
    assert contents(folder) == before
    assert checkpoints.read(folder)[1].encode("a") == [0]
    assert [file.name for file in folder.iterdir() if file.name.startswith(".partial-")]

    checkpoints.save(folder, GPT(CONFIG), TOKENIZER)
    assert not [file.name for file in folder.iterdir() if file.name.startswith(".")]


def save_another_model(folder: Path) -> None:
    """One of another shape and with a tokenizer in other files."""
    checkpoints.save(folder, GPT(GPTConfig(256, 8, 1, 1, 4)), raw_bytes())


@pytest.fixture
def at_each_rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """Have something done before each renaming of a file, which gets its number from 0 on."""

    def set_up(do: Callable[[int], None]) -> None:
        rename, number = os.replace, count()

        def replace(source: Path, target: Path) -> None:
            do(next(number))
            rename(source, target)

        monkeypatch.setattr(os, "replace", replace)

    return set_up


def test_nobody_finds_half_a_model_at_any_moment_of_the_exchange(
    at_each_rename, folder: Path, tmp_path: Path
):
    (folder / "README.md").write_text("A card.")
    old = checkpoints.read(folder)[0].config
    seen = tmp_path / "seen"
    # What a process that is killed now would leave.
    at_each_rename(lambda number: shutil.copytree(folder, seen / f"{number}"))
    save_another_model(folder)
    moments = sorted(seen.iterdir())
    assert len(moments) == 9, "five files of the old model, four of the new one"
    assert checkpoints.read(moments[0])[0].config == old
    for moment in moments[1:]:
        assert (moment / "README.md").exists()
        with pytest.raises(FileNotFoundError, match=r"holds no config\.json, so it is no model"):
            checkpoints.read(moment)
    assert sorted(contents(folder)) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert checkpoints.read(folder)[1].name == raw_bytes().name


@pytest.mark.parametrize("reason", [KeyboardInterrupt, PermissionError])
@pytest.mark.parametrize("moment", range(7))
def test_an_exchange_that_breaks_off_leaves_the_old_model(
    at_each_rename, reason: type[BaseException], moment: int, folder: Path
):
    before = contents(folder)

    def break_off(number: int) -> None:
        if number == moment:
            raise reason

    at_each_rename(break_off)
    with pytest.raises((KeyboardInterrupt, OSError)):
        save_another_model(folder)
    assert contents(folder) == before
    assert sorted(file.name for file in folder.iterdir()) == sorted(before)


def test_a_folder_that_is_a_file_is_refused_in_words(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="choose another folder"):
        checkpoints.save(tmp_path / "file", GPT(CONFIG), TOKENIZER)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_forbidden_folder_is_refused_in_words(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="Permission denied"):
        checkpoints.save(tmp_path / "model", GPT(CONFIG), TOKENIZER)
