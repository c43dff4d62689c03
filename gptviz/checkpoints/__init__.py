"""Models on disk and on the hub, in Hugging Face's GPT-2 format: find, read and save them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gptviz.checkpoints.folder import ends, fingerprint, notes, read, save
    from gptviz.checkpoints.hub import download
    from gptviz.checkpoints.listing import find, find_listed, names
    from gptviz.checkpoints.place import root

__all__ = [
    "download",
    "ends",
    "find",
    "find_listed",
    "fingerprint",
    "names",
    "notes",
    "read",
    "root",
    "save",
]

_HOME = {
    "download": "hub",
    "ends": "folder",
    "find": "listing",
    "find_listed": "listing",
    "fingerprint": "folder",
    "names": "listing",
    "notes": "folder",
    "read": "folder",
    "root": "place",
    "save": "folder",
}


def __getattr__(name: str) -> Any:
    # Whoever only asks where models lie, as a list of runs does, need not wait for PyTorch.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
