"""A model folder, in Hugging Face's GPT-2 format ⇄ a model and its tokenizer."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from gptviz import system, tokenizers
from gptviz.checkpoints import config as configs
from gptviz.checkpoints import counts, weights, writing
from gptviz.disk import flush
from gptviz.disk_errors import advice, reason
from gptviz.model import GPT
from gptviz.quoting import quoted
from gptviz.tokenizers import Tokenizer

GENERATION_FILE = "generation_config.json"  # how transformers continues a text
TOKENIZER_FILES = (
    "characters.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)
_VOCABULARIES = ("characters.json", "tokenizer.json", "vocab.json", "merges.txt")
# What a model consists of, in the order in which it is put in place.
_FILES = (weights.FILE, *TOKENIZER_FILES, counts.FILE, GENERATION_FILE, configs.FILE)


def save(
    folder: Path,
    model: GPT,
    tokenizer: Tokenizer,
    dtype: torch.dtype | None = None,
    token_counts: np.ndarray | None = None,
) -> None:
    """Write a model as Hugging Face's GPT-2 folder, its weights as dtype if one is given.

    token_counts are those of its training text, (tokenizer.vocab_size,), if they are known. All
    files are written first and take the places of the old ones last; files that are no model's
    stay. A full disk, an interruption, and a process that is killed while it writes leave the old
    model. One that is killed in the moment of the exchange leaves a folder without config.json,
    which `read` refuses. Raises OSError if the folder cannot be written.
    """
    tensors = weights.to_hugging_face(model, dtype)
    values = configs.to_dict(model.config, tokenizer)
    values["torch_dtype"] = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    had_one = (folder / configs.FILE).exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left_by_a_killed_process in folder.glob(".partial-*"):
            shutil.rmtree(left_by_a_killed_process, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        try:
            tokenizer.save(partial)
            if token_counts is not None:
                (partial / counts.FILE).write_bytes(counts.packed(token_counts))
            text = json.dumps(values, indent=2) + "\n"
            (partial / configs.FILE).write_text(text, encoding="utf-8", newline="\n")
            save_file(tensors, partial / weights.FILE, {"format": "pt"})
            # safetensors makes a file that only its owner may read.
            (partial / weights.FILE).chmod((partial / configs.FILE).stat().st_mode)
            _put_in_place(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        raise OSError(
            f"the model could not be written to {folder} ({reason(error)}); "
            + ("the one that was there is still there, so " if had_one else "")
            + f"{advice(error)} or choose another folder"
        ) from error


def _put_in_place(partial: Path, folder: Path) -> None:
    """Exchange the files of an old model for those of the new one, or leave the old one.

    Without config.json a folder is no model: it goes first and comes last, so that nobody takes
    half of the one and half of the other for a model.
    """
    new = [name for name in _FILES if (partial / name).exists()]
    for name in new:
        flush(partial / name)
    old = partial / "old"
    old.mkdir()
    try:
        for name in reversed(_FILES):
            if (folder / name).is_file():
                system.replace(folder / name, old / name)
        for name in new:
            system.replace(partial / name, folder / name)
    except BaseException:  # Ctrl-C is one, too
        for name in new:
            if not (partial / name).exists():
                (folder / name).unlink()
        for name in _FILES:
            if os.path.lexists(old / name):
                system.replace(old / name, folder / name)
        raise


def read(folder: Path) -> tuple[GPT, Tokenizer]:
    """The model in a folder, ready to run on the processor, and its tokenizer.

    Raises FileNotFoundError if something is missing, ValueError if something is broken, does
    not fit, or is no GPT-2.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; check the name")
    model = weights.read(folder, configs.read(folder))
    return model.eval().requires_grad_(False), tokenizers.load(folder)


def notes(folder: Path, model: GPT, tokenizer: Tokenizer) -> tuple[str, ...]:
    """What a reader should know of a model that is shown otherwise than its files say."""
    told = [*configs.notes(folder), *writing.notes(_says_how_to_write(folder)), *tokenizer.notes]
    known, rows = tokenizer.vocab_size, model.config.vocab_size
    if known > rows:
        told.append(
            f"Its tokenizer has {known:,} tokens, the model only {rows:,}: it cannot read the "
            f"others."
        )
    return tuple(told)


def _says_how_to_write(folder: Path) -> Path:
    path = folder / GENERATION_FILE
    return path if path.exists() else folder / configs.FILE


def ends(folder: Path) -> frozenset[int] | None:
    """The ids that end a text for the model in a folder; None where its files do not tell.

    As for `transformers`, generation_config.json counts, and without one config.json. Raises
    ValueError in words for what is no id.
    """
    path = _says_how_to_write(folder)
    values = configs.read_json(path)
    if "eos_token_id" not in values:
        return None
    found = values["eos_token_id"]
    ids = [] if found is None else found if isinstance(found, list) else [found]
    if not all(type(token) is int for token in ids):
        raise ValueError(
            f"{path} sets eos_token_id to {quoted(found)}; it must be a token's id, or some"
        )
    return frozenset(ids)


def is_model(folder: Path) -> bool:
    """Whether a folder seems to hold a model: a fitting config.json, weights and a tokenizer."""
    try:
        configs.read(folder)
        weights.files(folder)
    except (OSError, ValueError):
        return False
    return any((folder / name).is_file() for name in _VOCABULARIES)


def fingerprint(folder: Path) -> str:
    """A short id that changes when the model in a folder does: for the key of a cache.

    No two folders have the same one. Raises FileNotFoundError or ValueError if there is no
    model. The files are not read but for config.json: others are told apart by name, size and
    time.
    """
    digest = hashlib.sha256(repr(configs.read_json(folder / configs.FILE)).encode())
    # The snapshots of a run that was unpacked from an archive have equal sizes and equal times.
    digest.update(os.fsencode(folder.resolve()) + b"\0")
    others = [
        folder / name for name in (*TOKENIZER_FILES, GENERATION_FILE) if (folder / name).is_file()
    ]
    if token_counts := counts.file(folder):
        others.append(token_counts)
    for path in weights.files(folder) + others:
        stat = path.stat()
        digest.update(f"{path.name}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]
