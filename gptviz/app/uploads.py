"""How much of what browsers upload is held in memory: one text a session, and few in all.

Streamlit holds whatever comes for a session, from a page or from a program, until it ends. It leans
on where Streamlit keeps files (tests/app/test_uploads.py).
"""

import functools
from typing import Any

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

OF_A_SESSION = 2  # a text, and the one whose place it takes until the page has run
BYTES = 500_000_000  # of all sessions; what came first is let go


def bound() -> None:
    """Hold no more than that from now on."""
    add = MemoryUploadedFileManager.add_file

    @functools.wraps(add)
    def add_and_let_go(self: Any, session_id: str, file: Any) -> None:
        add(self, session_id, file)
        own = [*self.file_storage[session_id]]
        for file_id in own[:-OF_A_SESSION]:
            self.remove_file(session_id, file_id)
        for session, held in [*self.file_storage.items()]:
            for file_id in [*held]:
                if self._total_bytes <= BYTES:
                    return
                if (session, file_id) != (session_id, file.file_id):
                    self.remove_file(session, file_id)

    setattr(MemoryUploadedFileManager, add.__name__, add_and_let_go)


def forget_upload(file_id: str) -> None:
    """Let go of the bytes of a file; Streamlit holds all that a browser sent while it is there."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)
