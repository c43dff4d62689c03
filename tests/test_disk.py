"""What is written stands on the disk whole, or what was there before does."""

import errno
from pathlib import Path

import pytest

from gptviz import disk


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    final = tmp_path / "deep" / "final"
    with disk.whole_folder(final) as partial:
        (partial / "a").write_text("1")
        assert not final.exists()
    assert names(final.parent) == ["final"]
    assert (final / "a").read_text() == "1"


def test_a_new_folder_replaces_an_older_one_and_all_that_was_in_it(tmp_path):
    final = tmp_path / "final"
    for name in ("old", "new"):
        with disk.whole_folder(final) as partial:
            (partial / name).write_text(name)
    assert names(final) == ["new"]
    assert names(tmp_path) == ["final"]


def test_an_error_leaves_the_older_folder_as_it_was_and_nothing_of_the_new_one(tmp_path):
    final = tmp_path / "final"
    with disk.whole_folder(final) as partial:
        (partial / "old").write_text("old")
    with pytest.raises(OSError, match="No space"), disk.whole_folder(final) as partial:
        full_disk((partial / "half").write_text("half"))
    assert names(final) == ["old"]
    assert names(tmp_path) == ["final"]


def test_what_a_killed_process_left_unfinished_can_be_removed(tmp_path):
    (tmp_path / "kept").mkdir()
    unfinished = disk.whole_folder(tmp_path / "final")
    unfinished.__enter__()
    assert len(names(tmp_path)) == 2
    disk.remove_partial(tmp_path)
    assert names(tmp_path) == ["kept"]


def test_a_file_that_finds_no_room_is_as_it_was_and_the_error_says_what_to_do(
    tmp_path, monkeypatch
):
    path = tmp_path / "status.json"
    disk.write_json(path, {"step": 1})
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match=r"status\.json could not be written \(No space .*make room"):
        disk.write_json(path, {"step": 2})
    assert disk.read_json(path) == {"step": 1}
    assert names(tmp_path) == ["status.json"]


def test_json_that_is_missing_is_empty_and_what_is_no_object_is_refused(tmp_path):
    path = tmp_path / "a.json"
    assert disk.read_json(path) == {}
    path.write_text("[1]")
    with pytest.raises(ValueError, match="holds a list; it must be a JSON object"):
        disk.read_json(path)
    path.write_text("{half")
    with pytest.raises(ValueError, match="is no valid JSON"):
        disk.read_json(path)


def test_the_reason_of_an_error_is_what_the_system_said_first():
    error = OSError("the model could not be written")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert disk.reason(error) == "No space left on device"
    assert disk.reason(ValueError("odd")) == "odd"
