"""What a browser or a program uploads is bounded in number and in bytes, for a session and all."""

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from gptviz.app import uploads


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> MemoryUploadedFileManager:
    usual = MemoryUploadedFileManager.add_file
    monkeypatch.setattr(MemoryUploadedFileManager, "add_file", usual)  # and put back at the end
    monkeypatch.setattr(uploads, "BYTES", 1000)
    uploads.bound()
    return MemoryUploadedFileManager("/upload")


def send(manager: MemoryUploadedFileManager, session: str, name: str, size: int) -> None:
    manager.add_file(session, UploadedFileRec(name, "a.txt", "text/plain", b"a" * size))


def held(manager: MemoryUploadedFileManager) -> dict[str, list[str]]:
    return {session: [*files] for session, files in manager.file_storage.items() if files}


def test_of_a_session_the_last_file_and_the_one_before_it_are_held(manager):
    for number in range(50):
        send(manager, "one", f"{number}", 10)
    send(manager, "two", "other", 10)
    send(manager, "one", "49", 20)  # the same again is no other
    assert held(manager) == {"one": ["48", "49"], "two": ["other"]}


def test_of_all_sessions_what_came_first_is_let_go(manager):
    for number in range(50):
        send(manager, f"session {number}", "file", 300)
    assert held(manager) == {f"session {number}": ["file"] for number in (47, 48, 49)}
    send(manager, "large", "file", 5000)  # the server refuses it before; here it stands alone
    assert held(manager) == {"large": ["file"]}
