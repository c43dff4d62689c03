"""Models on disk and on the hub, in Hugging Face's GPT-2 format: find, read and save them."""

from gptviz.checkpoints.folder import fingerprint, read, save
from gptviz.checkpoints.hub import download
from gptviz.checkpoints.names import find, find_listed, names, root

__all__ = ["download", "find", "find_listed", "fingerprint", "names", "read", "root", "save"]
