"""How often each token occurs in the text that a model was trained on.

FOLDER/token_counts.npz   counts: (vocab_size,), whole numbers from 0 on

It lies in the model's folder; a training run has one for all its checkpoints and snapshots.
"""

import io
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from gptviz.checkpoints import steps
from gptviz.disk import read_regular

FILE = "token_counts.npz"
LARGEST = 64 * 2**20  # bytes, as they lie there and as they are unpacked: of millions of tokens
# What numpy raises, in its many ways, for a file that is broken or something else.
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, EOFError),
    *(OSError, RuntimeError, ValueError, LookupError, TypeError, MemoryError, OverflowError),
)


def file(folder: Path) -> Path | None:
    """The file for the model in a folder, or None if it is not known what it was trained on."""
    run = steps.run_of(folder)
    places = [folder, run] if run else [folder]
    return next((place / FILE for place in places if (place / FILE).is_file()), None)


def read(folder: Path, vocab_size: int) -> np.ndarray | None:
    """The counts for the model in a folder, (vocab_size,), or None where there are none.

    vocab_size is the tokenizer's. Raises ValueError in words if they are broken or of another
    vocabulary.
    """
    path = file(folder)
    if path is None:
        return None
    try:
        # Given a path, numpy leaves the file open where it is no archive.
        with np.load(io.BytesIO(read_regular(path, LARGEST))) as arrays:
            if sum(member.file_size for member in arrays.zip.infolist()) > LARGEST:
                raise ValueError("it would not fit into the memory")
            counts = np.asarray(arrays["counts"])  # a member that is no array comes as bytes
    except _UNREADABLE as error:
        raise ValueError(
            f"{path} is cut off or holds no array named counts; copy it again, or remove it"
        ) from error
    if counts.dtype.kind not in "iu" or counts.shape != (vocab_size,) or counts.min() < 0:
        raise ValueError(
            f"{path} must hold {vocab_size} whole numbers from 0 on, one for each token; "
            f"it holds {counts.dtype} of the shape {counts.shape}, so write it anew, or remove it"
        )
    counts = counts.astype(np.int64)
    counts.setflags(write=False)
    return counts


def packed(counts: np.ndarray) -> bytes:
    """The content of a file with these counts."""
    content = io.BytesIO()
    np.savez_compressed(content, counts=counts.astype(np.min_scalar_type(counts.max())))
    return content.getvalue()
