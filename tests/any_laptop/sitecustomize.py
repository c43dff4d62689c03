"""What a Python that finds this folder first in its path does as on Windows, though it is on Linux.

- gptviz may import no module that only POSIX systems have. Other libraries may: they have their own
  ways on Windows.
- Functions and signals that Windows lacks are gone.
- A file that this process has open or mapped can be neither moved, replaced nor removed; a folder
  with such a file cannot be moved; a folder is no target of a move; what is only read cannot be
  flushed to the disk.
- gptviz.system takes the way that it takes on Windows. Only what no Linux has is put away: the
  flags for a new process.
- A file is opened in an encoding that is named.
"""

import builtins
import fcntl
import mmap
import os
import shutil
import signal
import subprocess
import sys
import types
import warnings
from pathlib import Path

POSIX_ONLY = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios", "tty"}
OURS = {"gptviz", "app", "pages", "__main__"}
usual_import = builtins.__import__


def imported(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002
    importer = str((globals or {}).get("__name__", "")).split(".")[0]
    if importer in OURS and name.split(".")[0] in POSIX_ONLY:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return usual_import(name, globals, locals, fromlist, level)


builtins.__import__ = imported

for module, names in {
    os: "fork forkpty getpgid getpriority killpg nice pwrite sched_getaffinity "
    "sched_setaffinity setpgid setpriority setsid",
    signal: "SIGALRM SIGHUP SIGQUIT SIGUSR1 SIGUSR2 pthread_kill setitimer",
    mmap: "MADV_DONTNEED",
}.items():
    for name in names.split():
        delattr(module, name)


def in_use(path: Path) -> bool:
    """Whether this process has the file open or mapped, or one in the folder."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:  # it was the one that lists them
            continue
    with open("/proc/self/maps", encoding="utf-8") as file:
        found |= {line.split(maxsplit=5)[-1].rstrip("\n") for line in file if "/" in line}
    return any(Path(name).is_relative_to(path) for name in found if os.path.isfile(name))


def refuse(path, deed: str) -> None:
    if in_use(Path(os.path.realpath(path))):
        raise PermissionError(13, f"the file is in use, so nobody can {deed} it", str(path))


def moving(usual):
    def move(source, target, **options):
        refuse(source, "move")
        refuse(target, "replace")
        if os.path.isdir(target):
            raise PermissionError(13, "a folder is there already", str(target))
        return usual(source, target, **options)

    return move


def removing(usual):
    def remove(path, **options):
        refuse(path, "remove")
        return usual(path, **options)

    return remove


usual_fsync = os.fsync


def fsync(descriptor: int) -> None:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(9, "Bad file descriptor")
    usual_fsync(descriptor)


os.replace, os.rename = moving(os.replace), moving(os.rename)
os.unlink = os.remove = removing(os.unlink)
os.fsync = fsync
shutil._use_fd_functions = False

WINDOWS_FLAGS = {
    "BELOW_NORMAL_PRIORITY_CLASS": 0x4000,
    "CREATE_NEW_PROCESS_GROUP": 0x200,
    "CREATE_NO_WINDOW": 0x8000000,
}


def popen(command, creationflags: int, **options) -> subprocess.Popen:
    assert creationflags in (0x8004000, 0x8004200)
    return subprocess.Popen(command, **options)


if sys.flags.warn_default_encoding:
    warnings.filterwarnings("error", category=EncodingWarning, module=r"gptviz(\.|$)")

from gptviz import system  # noqa: E402 - as all that it imports must find the above

system.sys = types.SimpleNamespace(platform="win32")
system.subprocess = types.SimpleNamespace(**WINDOWS_FLAGS, Popen=popen)
