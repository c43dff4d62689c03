"""The files of the browser's pictures as one text, and numbers as they are sent to them.

The files are JavaScript modules that import each other by relative paths, as editors, the linter
and tests read them. Where a browser gets one text per picture, there is no place that a path
could start from; so each import in it is turned into one from a `data:` URL that holds the
imported file. A browser loads equal URLs once: what one module keeps, all who import it share.
"""

import base64
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

RELATIVE_IMPORT = re.compile(r'(?<=\bfrom )"(\.{1,2}/[^"]+)"')


def bundled(script: Path) -> str:
    """A module as one text that holds all that it imports by relative paths.

    Raises FileNotFoundError if an imported file does not exist.
    """
    return RELATIVE_IMPORT.sub(
        lambda specifier: f'"{data_url(script.parent / specifier[1])}"',
        script.read_text(encoding="utf-8"),
    )


def data_url(script: Path) -> str:
    """An address from which a browser loads a module with all that it imports."""
    text = f"{bundled(script)}//# sourceURL={script.name}\n"  # what the browser's console calls it
    return f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"


def pack(header: Any, *arrays: np.ndarray) -> bytes:
    """What `unpacked` in dom.js reads: a header, whatever JSON can hold, and arrays of numbers.

    Little-endian: the length of the JSON as uint32, the JSON, the numbers of one array after the
    other, each in its own type.
    """
    text = json.dumps(header).encode()
    numbers = (array.astype(array.dtype.newbyteorder("<")).tobytes() for array in arrays)
    return b"".join([struct.pack("<I", len(text)), text, *numbers])


def exact(values: np.ndarray) -> list[Any]:
    """The numbers as JSON holds them: the shortest that stand for the same float32.

    They are rounded where they are shown, and only there.
    """
    numbers: list[Any] = values.astype(np.float32).astype(str).astype(float).tolist()
    return numbers
