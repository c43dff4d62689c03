"""Files of one JSON object a line, read while another process writes them.

A reader keeps what it has read and asks only for what is new. A last line that is still being
written waits for its end; a line that is no JSON object is skipped and counted.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cachetools import LRUCache

Row = dict[str, Any]
FILES_KEPT = 128


class Tail:
    """Follows one file: each call of `new` gives the rows that came since the last one."""

    def __init__(self, path: Path):
        self.path = path
        self.broken = 0  # lines that could not be read
        self._offset = 0  # bytes read so far; always the end of a line
        self._last_line = b""

    def new(self) -> tuple[bool, list[Row]]:
        """Whether the file was begun anew, and the rows since the last call.

        A resumed run drops the rows that it takes again, so the file may become shorter, or be
        another one of the same length: then what stood before the end of what was read differs.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset - len(self._last_line))
                anew = file.read(len(self._last_line)) != self._last_line
                if anew:
                    file.seek(0)
                text = file.read()
        except FileNotFoundError:
            anew, text = self._offset > 0, b""
        if anew:
            self._offset, self._last_line, self.broken = 0, b"", 0
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = whole.splitlines(keepends=True)
        self._last_line = lines[-1] if lines else self._last_line
        return anew, list(self._rows(lines))

    def _rows(self, lines: list[bytes]) -> Iterator[Row]:
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if isinstance(row, dict):
                yield row
            elif line.strip():
                self.broken += 1


class _Rows:
    def __init__(self, path: Path):
        self.tail, self.lock = Tail(path), threading.Lock()
        self.rows: list[Row] = []

    def read(self) -> list[Row]:
        with self.lock:
            anew, new = self.tail.new()
            self.rows = new if anew else self.rows + new
            return self.rows


_files: LRUCache[Path, _Rows] = LRUCache(FILES_KEPT)
_lock = threading.Lock()


def rows(path: Path) -> list[Row]:
    """All rows of a file, to be read and not changed; none where there is no file yet."""
    with _lock:
        file = _files.get(path) or _files.setdefault(path, _Rows(path))
    return file.read()
