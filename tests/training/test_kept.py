"""Texts that were sent: few, named, and removed by hand."""

import tomllib
from pathlib import Path

import pytest

from gptviz.training import data, kept

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return tmp_path / ".texts"


def test_what_was_sent_is_listed_by_its_name(folder):
    assert kept.texts() == []
    for content in (b"one", b"another"):
        data.store(content, "My poems.txt")
    data.store(b"x", "a")
    assert [one.name for one in kept.texts()] == ["My-poems", "My-poems", "a"]
    assert {one.path: one.size for one in kept.texts()} == {
        path: path.stat().st_size for path in folder.iterdir()
    }


def test_there_is_room_for_so_many_texts_and_bytes(monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    monkeypatch.setattr(kept, "MOST_BYTES", 1000)
    first = data.store(b"a" * 400, "a")
    data.store(b"b" * 400, "b")
    with pytest.raises(OSError, match=r"2 texts with 0 MB are kept.*under Kept texts"):
        data.store(b"c" * 201, "c")
    data.store(b"c" * 200, "c")
    with pytest.raises(OSError, match="3 texts"):
        data.store(b"d", "d")
    assert data.store(b"a" * 400, "a") == first  # what is there needs no room
    kept.remove(kept.texts()[0])
    data.store(b"d", "d")


def test_a_text_that_a_run_reads_stays():
    path = data.store(b"text", "mine")
    (one,) = kept.texts()
    with pytest.raises(ValueError, match="mine is read by my run, another; delete that run first"):
        kept.remove(one, ["my run", "another"])
    assert path.is_file()
    kept.remove(one)
    assert kept.texts() == []


def test_a_browser_may_send_as_much_as_a_run_reads():
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    limit = settings["server"]["maxUploadSize"]
    assert (limit - 5) * 2**20 < data.LARGEST <= limit * 2**20
