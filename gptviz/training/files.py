"""Small files that are written whole or not at all, however the process or the disk ends."""

import json
import math
import os
from pathlib import Path
from typing import Any

from gptviz.training import jsonl


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, {} where there is none. Raises ValueError or OSError in words."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON ({error})") from error
    except OSError as error:
        raise OSError(f"{path} cannot be read ({error.strerror})") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it must be a JSON object")
    return values


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Add a line to a file of one JSON object a line, whole or not at all.

    Raises OSError in words.
    """
    try:
        size = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        except OSError:
            if path.exists():
                os.truncate(path, size)  # half a line would spoil the next one, too
            raise
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error.strerror}); make room and resume"
        ) from error


def drop_rows_after(path: Path, step: int) -> None:
    """Keep the rows up to a step, and none that is only half written; fine without the file."""
    if path.exists():
        kept = [row for row in jsonl.rows(path) if row.get("step", math.inf) <= step]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole or not at all. Raises OSError in words."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file whole or not at all. Raises OSError in words."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        raise OSError(
            f"{path} could not be written ({error.strerror}); make room and resume"
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file whole or not at all. Raises OSError in words."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
