"""What a run is called: as its folder, so on the page, in its address and in commands alike.

Such a name is a folder's on every system; of two that are equal the second gets a number.
"""

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from gptviz.checkpoints.place import can_be_listed
from gptviz.quoting import quoted

LONGEST, MOST_BYTES = 80, 240  # of a name; a folder's takes 255 bytes, and a number has to fit in
NO_FOLDER = '/\\:*?"<>|'  # Windows takes none of them
# Names that Windows gives to devices, whatever follows the first dot.
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def checked(name: str) -> str:
    """A name without spaces around it. Raises ValueError for one that can be no folder's."""
    name = name.strip()
    if not name or len(name) > LONGEST or len(name.encode("utf-8", "replace")) > MOST_BYTES:
        raise ValueError(
            f"the name {quoted(name, 20)} has {len(name)} signs; "
            f"give one of 1 to {LONGEST} letters, digits or signs"
        )
    if not name.isprintable() or set(name) & set(NO_FOLDER):
        raise ValueError(
            f"{quoted(name, LONGEST)} cannot be the name of a run, for it is also that of its "
            f"folder; "
            f"leave out line breaks and the signs {' '.join(NO_FOLDER)}"
        )
    if name.startswith((".", "-")) or name.endswith(".") or DEVICES.fullmatch(name):
        raise ValueError(
            f"{quoted(name)} cannot be the name of a run, for systems use such names for something "
            f"else; begin and end with a letter or a digit, or choose another word"
        )
    return name


def usable(words: str) -> str:
    """The nearest that `checked` takes, for a name that nobody has typed."""
    plain = "".join("-" if sign in NO_FOLDER or not sign.isprintable() else sign for sign in words)
    plain = plain.strip(" .-")
    while len(plain) > LONGEST or len(plain.encode()) > MOST_BYTES:
        plain = plain[:-1].rstrip(" .-")
    return f"run {plain}".rstrip() if not plain or DEVICES.fullmatch(plain) else plain


def numbered(name: str) -> Iterator[str]:
    """The name, and then the same with 2, 3 and so on behind it."""
    yield name
    for number in count(2):
        yield f"{name} {number}"


def require_folder(folder: Path) -> None:
    """Raise ValueError, before anybody waits, for a folder whose run would be in no list."""
    require_utf8(folder)
    name = Path(os.path.abspath(folder)).name
    if not can_be_listed(name):
        raise ValueError(
            f"{str(folder)!r} cannot be the folder of a run, for no list would show it: its name "
            + ("begins with a dot" if name.startswith(".") else "has signs that cannot be seen")
            + "; choose another name"
        )


def require_utf8(path: Path) -> None:
    """Raise ValueError for a path that cannot be written down: neither in a file nor on a page."""
    try:
        os.path.abspath(path).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"the path {str(path)!r} is not in UTF-8, so neither a page nor PyTorch can name it; "
            f"rename it, or start in an environment in UTF-8, such as LC_ALL=C.UTF-8"
        ) from None
