"""Files and folders that are on the disk whole or not at all, JSON, and files of JSON lines.

A process may be killed, and a disk may be full, at any moment: a reader then finds what was there
before. A file of JSON lines grows while others read it. They read only what is new; a last line
that is still being written waits for its end, and a line that is not a JSON object is skipped.
"""

import json
import math
import os
import shutil
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cachetools import LRUCache

from gptviz import system
from gptviz.disk_errors import NOT_ORDINARY, advice, reason, require_ordinary

Row = dict[str, Any]
LARGEST_JSON = 16 * 2**20  # bytes; a configuration has a few thousand
LARGEST_ROWS = 2**30  # bytes of a file of JSON lines: some four million steps of a run
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
FILES_KEPT = 128


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` at the end and replaces an older one.

    After an error nothing of it is left, and an older folder is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = tempfile.TemporaryDirectory(prefix=f".{path.name}.partial-", dir=path.parent)
    with beside as name:
        partial = Path(name) / path.name  # the temporary folder itself is closed to other users
        partial.mkdir()
        yield partial
        if path.exists():
            system.replace(path, Path(name) / "old")
        system.replace(partial, path)


def remove_partial(parent: Path) -> None:
    """Remove the folders that a killed process left unfinished in `parent`."""
    for left in parent.glob(".*.partial*"):
        shutil.rmtree(left, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file whole or not at all. Raises OSError in words."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        try:
            partial.write_bytes(content)
            system.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(path, error) from error


def overwrite_json(path: Path, value: Any) -> None:
    """Write over a small JSON file where it lies: the last word of one who finds no room.

    A file takes whole blocks of a disk, so a few words more mostly fit into its own. Raises
    OSError; a reader in that moment may find half of it.
    """
    with path.open("r+b") as file:
        file.write(_json(value))
        file.truncate()


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole or not at all. Raises OSError in words."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file whole or not at all. Raises OSError in words."""
    write_bytes(path, _json(value))


def read_regular(path: Path, most: int) -> bytes:
    """The content of an ordinary file of at most so many bytes.

    A device or a pipe in its place, which may never end, is not opened. Raises FileNotFoundError
    where there is nothing, ValueError in words for all else that is no such file.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(NOT_ORDINARY.format(path=path))
    if status.st_size > most:
        raise ValueError(
            f"{path} has {status.st_size:,} bytes; gptviz reads at most {most:,} of such a file, "
            f"so put the right one in its place"
        )
    content = path.read_bytes()
    refuse_lfs_pointer(path, content)
    return content


def refuse_lfs_pointer(path: Path, start: bytes) -> None:
    """Raise ValueError for a file that begins as the stand-in that Git leaves for a large one."""
    if start.startswith(_LFS_POINTER):
        raise ValueError(
            f"{path} is a Git LFS pointer, a few lines in place of the file; fetch the file itself "
            f"with `git lfs pull`, or download it"
        )


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, {} if there is no file. Raises ValueError or OSError in words."""
    try:
        content = system.patiently(lambda: read_regular(path, LARGEST_JSON))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OSError(f"{path} cannot be read ({error.strerror})") from error
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it must be a JSON object")
    return values


def flush(path: Path) -> None:
    """Wait until a file is on the disk. Raises OSError: some disks say only now that they are full.

    Needed before something else is removed because this file takes its place.
    """
    with path.open("r+b") as written:  # Windows refuses it for what is only read
        os.fsync(written.fileno())


def append_row(path: Path, row: Row) -> None:
    """Add a line to a file of JSON lines, whole or not at all. Raises OSError in words."""
    require_ordinary(path)
    try:
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(row) + "\n")
        except OSError:
            if path.exists():
                os.truncate(path, size)  # half a line would spoil the next one, too
            raise
    except OSError as error:
        raise _not_written(path, error) from error


def drop_rows_after(path: Path, step: int) -> None:
    """Keep the rows up to a step, and none that is only half written; fine without the file."""
    if path.exists():
        if path.stat().st_size > LARGEST_ROWS:  # of which nothing is read, so nothing would stay
            raise OSError(f"{path} is larger than any that can be gone on with; move it away")
        kept = [row for row in rows(path) if row.get("step", math.inf) <= step]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))


def rows(path: Path) -> list[Row]:
    """All rows of a file of JSON lines, to be read and not changed; none if there is no file."""
    with _lock:
        file = _files.get(path) or _files.setdefault(path, _Rows(path))
    return file.read()


class Tail:
    """Follows a file of JSON lines: each call of `new` gives the rows since the last call.

    Of what is no ordinary file, or has more than LARGEST_ROWS bytes, nothing is read.
    """

    def __init__(self, path: Path):
        self.path = path
        self.broken = 0  # lines that could not be read
        self._offset = 0  # bytes read so far; always the end of a line
        self._last_line = b""

    def new(self) -> tuple[bool, list[Row]]:
        """Whether the file was replaced by another one, and the rows since the last call.

        A resumed run drops the rows of the steps that it repeats, so the file may become shorter,
        or be another one of the same length: then what came before the offset differs.
        """
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_ROWS:
                raise FileNotFoundError(self.path)
            with system.patiently(lambda: self.path.open("rb")) as file:
                file.seek(self._offset - len(self._last_line))
                replaced = file.read(len(self._last_line)) != self._last_line
                if replaced:
                    file.seek(0)
                text = file.read()
        except FileNotFoundError:
            replaced, text = self._offset > 0, b""
        if replaced:
            self._offset, self._last_line, self.broken = 0, b"", 0
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        lines = whole.splitlines(keepends=True)
        self._last_line = lines[-1] if lines else self._last_line
        return replaced, list(self._rows(lines))

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
            replaced, new = self.tail.new()
            self.rows = new if replaced else self.rows + new
            return self.rows


_files: LRUCache[Path, _Rows] = LRUCache(FILES_KEPT)
_lock = threading.Lock()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def _not_written(path: Path, error: OSError) -> OSError:
    return OSError(f"{path} could not be written ({reason(error)}); {advice(error)} and try again")
