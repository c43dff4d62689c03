"""What differs by system, as far as one system can show it; tests/any_laptop shows the rest."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from gptviz import system


def busy(n: int):
    """A deed that is refused n times, as while another process has the file open."""
    refused = iter([True] * n)

    def deed() -> str:
        if next(refused, False):
            raise PermissionError(13, "the file is in use")
        return "done"

    return deed


def test_windows_waits_for_a_file_that_is_in_use_and_gives_up_in_time(monkeypatch):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="win32"))
    assert system.patiently(busy(3)) == "done"
    monkeypatch.setattr(system, "LONGEST_READ", 0.0)
    with pytest.raises(PermissionError):
        system.patiently(busy(1000))


def test_a_right_that_is_lacking_is_told_at_once_elsewhere(monkeypatch):
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="darwin"))
    with pytest.raises(PermissionError):
        system.patiently(busy(1))


def test_a_folder_is_removed_as_a_whole_or_stays_whole(tmp_path: Path, monkeypatch):
    folder = tmp_path / "step-000010"
    for left_over in (folder, tmp_path / ".step-000010.removed"):
        left_over.mkdir()
        (left_over / "model").write_text("weights", encoding="utf-8")
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise PermissionError(13, "a file in it is in use")

        patch.setattr(os, "replace", refuse)
        system.remove_folder(folder)
        assert (folder / "model").read_text(encoding="utf-8") == "weights"
    system.remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_both_ways_to_ask_for_the_end_are_listened_to():
    assert {signal.SIGINT, signal.SIGTERM} <= set(system.END_SIGNALS)
