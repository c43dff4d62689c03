"""The words of a command that trains a tiny model, and a process that stays as it was."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TEXT = "the cat sat on the mat. a dog ran by the old oak. " * 12
TINY = {
    "n_layer": 1,
    "n_head": 2,
    "n_embd": 8,
    "block_size": 8,
    "batch_size": 2,
    "steps": 12,
    "eval_interval": 4,
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def process_settings() -> Iterator[None]:
    """The command changes its own process's signals: put them back."""
    handlers = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in handlers.items():
        signal.signal(name, handler)


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def begin(tmp_path: Path, text_file: Path) -> Callable[..., list[str]]:
    """The words of a command that trains a tiny model in a folder of that name."""

    def command(name: str, **options: object) -> list[str]:
        settings = {"run": tmp_path / name, "data": text_file, **TINY, **options}
        pairs = ((f"--{key.replace('_', '-')}", str(value)) for key, value in settings.items())
        return ["train", *(word for pair in pairs for word in pair)]

    return command
