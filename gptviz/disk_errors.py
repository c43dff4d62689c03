"""What is wrong with a disk, in words, and what to do about it."""

import errno
import os
import re
from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "allow larger files",
    errno.EACCES: "give this user the right to do so",
    errno.EPERM: "give this user the right to do so",
    errno.EROFS: "make the disk writable",
    errno.ENOENT: "bring its folder back",
    errno.ENOTDIR: "put a folder in its place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "close other programs",
    errno.ENFILE: "close other programs",
}
NOT_ORDINARY = "{path} is no ordinary file; put the file itself in its place"
# As the library for safetensors tells an error of the system.
_CODE = re.compile(r"\b(?:code:|os error) (\d+)")


def reason(error: BaseException) -> str:
    """What the system itself says of an error, such as "No space left on device"."""
    number = _number(error)
    return os.strerror(number) if number else str(_first(error))


def advice(error: BaseException) -> str:
    """What to do about an error of the disk, to be followed by "and" or "or"."""
    return _ADVICE.get(_number(error) or 0, "see whether the disk is in order")


def in_words(error: BaseException) -> str:
    """An error as a sentence, also one of the system that nobody has put into words."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"{name} cannot be used ({error.strerror}); {advice(error)} and try again"
    return str(error)


def require_ordinary(path: Path) -> None:
    """Raise OSError in words for a pipe, a device or a folder, which may never open to be written.

    Where there is nothing yet, there may be a file.
    """
    if path.exists() and not path.is_file():
        raise OSError(NOT_ORDINARY.format(path=path))


def _first(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _number(error: BaseException) -> int | None:
    error = _first(error)
    if isinstance(error, OSError):
        return error.errno
    told = _CODE.search(str(error))
    return int(told[1]) if told else None
