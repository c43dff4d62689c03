"""What was found out about a folder, until one of the files that decided it changes.

So a page that asks for all models reads only those that are new, however many there are.
"""

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cachetools import LRUCache

FOLDERS_KEPT = 4096
# Seconds. A file system tells times in ticks of some milliseconds: what has just changed could
# change again within the same one, and nobody would see it.
YOUNG = 2.0

Stamp = tuple[int, ...] | None
Look = Callable[[Path, Callable[[Path], None]], bool]
_known: LRUCache[tuple[Path, Look], tuple[dict[str, Stamp], bool]] = LRUCache(FOLDERS_KEPT)
_lock = threading.Lock()


def of(folder: Path, look: Look) -> bool:
    """What look(folder, look_at) says of a folder; look calls look_at for each path that decides.

    It does so before it reads there, and names a folder for what lies in it. While all of these
    paths are as they were, nothing is opened.
    """
    with _lock:
        known = _known.get((folder, look))
    if known and all(_stamp(path) == stamp for path, stamp in known[0].items()):
        return known[1]
    stamps: dict[str, Stamp] = {}

    def look_at(path: Path) -> None:
        stamps[str(path)] = _stamp(str(path))

    verdict = look(folder, look_at)
    settled = time.time() - YOUNG
    with _lock:
        if all(stamp is None or stamp[0] / 1e9 < settled for stamp in stamps.values()):
            _known[folder, look] = stamps, verdict
        else:
            _known.pop((folder, look), None)
    return verdict


def _stamp(path: str) -> Stamp:
    """When it was changed, and which file it is, also behind a link; None if there is none."""
    try:
        link = os.lstat(path)
        found = os.stat(path) if stat.S_ISLNK(link.st_mode) else link
    except (OSError, ValueError):
        return None
    changed = max(link.st_ctime_ns, found.st_ctime_ns)
    return changed, found.st_mtime_ns, found.st_size, found.st_dev, found.st_ino, link.st_ino
