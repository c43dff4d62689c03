"""The texts that were uploaded or pasted for a run: few, each with a name, and removed by hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gptviz import checkpoints, system

MOST, MOST_BYTES = 100, 500_000_000  # of all of them together


@dataclass(frozen=True)
class Kept:
    """A text that lies beside the models; a run that reads it is resumed from it."""

    path: Path
    size: int  # bytes

    @property
    def name(self) -> str:
        """What it was called when it came, as far as a path can be called so."""
        return self.path.stem.rpartition("-")[0]


def folder() -> Path:
    """Where they lie; it may not exist yet."""
    return checkpoints.root().resolve() / ".texts"  # the run may be resumed from elsewhere


def texts() -> list[Kept]:
    """All that are kept, by their names."""
    place = folder()
    files = [path for path in place.glob("*.txt") if path.is_file()] if place.is_dir() else []
    return sorted((Kept(path, path.stat().st_size) for path in files), key=lambda one: one.path)


def require_room(size: int) -> None:
    """Raise OSError in words if there is no room for another text of so many bytes."""
    there = texts()
    taken = sum(one.size for one in there)
    if len(there) >= MOST or taken + size > MOST_BYTES:
        raise OSError(
            f"{len(there)} texts with {taken / 1e6:,.0f} MB are kept, and up to {MOST} with "
            f"{MOST_BYTES / 1e6:,.0f} MB may be; delete some under Kept texts"
        )


def remove(text: Kept, read_by: Iterable[str] = ()) -> None:
    """Remove a text; read_by names the runs that read it.

    Raises ValueError in words while there is one, OSError if it cannot be removed.
    """
    if readers := ", ".join(read_by):
        raise ValueError(f"{text.name} is read by {readers}; delete that run first")
    system.patiently(text.path.unlink)
