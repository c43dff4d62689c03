"""Many models cost a page no more than the one that has changed."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from gptviz import checkpoints
from gptviz.checkpoints import verdicts
from gptviz.disk import write_json
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

N = 12
opened: list[str] = []
watching = [""]


def hear(event: str, details: tuple) -> None:
    if event in ("open", "os.listdir", "os.scandir") and watching[0]:
        path = str(details[0])
        if path.startswith(watching[0]) and path != watching[0]:
            opened.append(path)


sys.addaudithook(hear)  # for good: Python takes none away


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Some models and some runs with a checkpoint each, and what was opened among them."""
    base = tmp_path / "models"
    for i in range(N):
        put_model(base / f"model {i}")
        put_model(base / f"run {i}" / "checkpoints" / "step-000010")
        write_json(base / f"run {i}" / "config.json", {"model": {}, "data": "x"})
        write_json(base / f"run {i}" / "status.json", {"best_step": 10})
    (base / "empty").mkdir()
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(base))
    monkeypatch.setattr(verdicts, "YOUNG", -10.0)  # the test does not wait until they are old
    watching[0] = str(base)
    yield base
    watching[0] = ""


def put_model(folder: Path) -> None:
    checkpoints.save(folder, GPT(GPTConfig(3, 4, 1, 1, 4)), CharacterTokenizer("abc"))


def opens() -> list[str]:
    """What the next list of names opens."""
    opened.clear()
    checkpoints.names()
    return opened.copy()


@pytest.mark.usefixtures("root")
def test_a_second_list_opens_nothing():
    assert len(opens()) >= 3 * N, "the first one does"
    assert len(checkpoints.names()) == 2 * N
    assert opens() == []
    checkpoints.find_listed("model 3")
    assert opens() == []


def test_what_changes_is_read_again_and_nothing_else(root: Path):
    checkpoints.names()
    write_json(root / "run 3" / "status.json", {"best_step": 10, "step": 12})
    changed = opens()
    assert changed
    assert {Path(path).relative_to(root).parts[0] for path in changed} == {"run 3"}
    assert opens() == []


def test_no_change_goes_unseen(root: Path):
    before = checkpoints.names()
    config = root / "model 1" / "config.json"
    whole = config.read_text()
    config.write_text('{"model_type": "llama"}')
    assert "model 1" not in checkpoints.names()
    config.write_text(whole)
    assert checkpoints.names() == before

    (root / "model 2" / "model.safetensors").rename(root / "aside")
    assert "model 2" not in checkpoints.names()
    (root / "aside").rename(root / "model 2" / "model.safetensors")
    assert "model 2" in checkpoints.names()

    shutil.rmtree(root / "run 5" / "checkpoints" / "step-000010")
    assert "run 5" not in checkpoints.names()
    put_model(root / "run 5" / "checkpoints" / "step-000020")
    assert "run 5" in checkpoints.names()

    shutil.rmtree(root / "model 7")
    put_model(root / "empty")
    assert "model 7" not in checkpoints.names()
    assert "empty" in checkpoints.names()

    put_model(root.parent / "elsewhere")
    os.symlink(root / "model 0", root / "link")
    assert "link" in checkpoints.names()
    (root / "link").unlink()
    os.symlink(root.parent / "elsewhere", root / "link")
    assert "link" not in checkpoints.names()


@pytest.mark.usefixtures("root")
def test_what_is_young_is_not_believed_to_stay(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verdicts, "YOUNG", 3600.0)
    first = opens()
    assert opens() == first
