"""What differs between Linux, macOS and Windows. Nothing else in gptviz asks where it runs.

Locks are in gptviz.runs.lock, made by the library portalocker.
"""

import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

NICE = 10  # the pages come first
LONGEST_READ = 2.0  # seconds for which another process may have a small file open

# What asks a program to end: Ctrl-C; kill, or the end of the system; on Windows also Ctrl-Break,
# or that its window is closed.
END_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)


def end(code: int) -> NoReturn:
    """End this process at once, with what it has printed.

    For one whose threads may still be about to give tensors back: Python aborts a process in which
    one does so while it shuts down.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def patiently(deed: Callable[[], T]) -> T:
    """Do something with a file that other processes open, too.

    Windows refuses to replace, move or remove a file that somebody has open, and to open one that
    is being replaced, with PermissionError; both are over in a moment. Elsewhere that error means
    that somebody lacks a right, and is raised at once.
    """
    give_up = time.monotonic() + LONGEST_READ
    while True:
        try:
            return deed()
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > give_up:
                raise
        time.sleep(0.01)


def replace(source: Path, target: Path) -> None:
    """Move a file into the place of another one, or a folder to where there is none."""
    patiently(lambda: os.replace(source, target))


def remove_folder(folder: Path) -> None:
    """Remove a folder, or leave it whole while something keeps it from being removed."""
    hidden = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(hidden, ignore_errors=True)
    with suppress(OSError):
        replace(folder, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def start_in_background(
    command: Sequence[str], outlives_this: bool = False, **options: Any
) -> "subprocess.Popen[Any]":
    """Start a process that leaves the processor to others; options are those of Popen.

    With outlives_this, neither Ctrl-C nor the end of this terminal reaches it.
    """
    if sys.platform == "win32":
        # Of Windows's priorities only those that are given at the start reach the Python that
        # the one of a virtual environment starts. Without the second flag a window opens.
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
        if outlives_this:
            flags |= subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, creationflags=flags, **options)
    process = subprocess.Popen(command, start_new_session=outlives_this, **options)
    priority = max(NICE, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PROCESS, process.pid, priority)
    return process


def users_temporary_folder() -> Path:
    """A folder of this user's for what need not outlive a restart; it may not exist yet."""
    if sys.platform == "win32":  # where each user has temporary files of their own
        return Path(tempfile.gettempdir()) / "gptviz"
    return Path(tempfile.gettempdir()) / f"gptviz-{os.getuid()}"


def keeps_mapped_files() -> bool:
    """Whether a file that is mapped into memory can be neither replaced nor removed."""
    return sys.platform == "win32"


def forget_what_was_read(mapped: mmap.mmap) -> None:
    """Let go of what was read of a mapped file, so that it need not stay in memory."""
    if sys.platform != "win32":
        mapped.madvise(mmap.MADV_DONTNEED)


def raise_open_files(wanted: int) -> int | None:
    """Let this process have as many files and connections open as it may, up to `wanted`.

    How many these are then; None where the system has no such limit.
    """
    if sys.platform == "win32":
        return None
    try:
        import resource
    except ModuleNotFoundError:  # a Python that was built without it
        return None
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    if now == endless or now >= wanted:
        return wanted if now == endless else now
    raised = wanted if most == endless else min(wanted, most)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, most))
        return raised
    return now


def peak_bytes() -> int:
    """The most memory that this process has held; 0 where the system does not tell.

    getrusage would count what the parent held when it began this process, too.
    """
    with suppress(OSError):  # only Linux has this file
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
