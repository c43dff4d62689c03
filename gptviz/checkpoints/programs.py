"""A model as a program that runs without gptviz: ONNX, or what `torch.export` makes.

Attention goes step by step in it, by products and a softmax that every runtime has. The number of
texts and their length are free, up to the context.
"""

import copy
import io
import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch.export import Dim, ExportedProgram

from gptviz.checkpoints.folder import TOKENIZER_FILES
from gptviz.disk import flush, whole_folder
from gptviz.disk_errors import advice, reason
from gptviz.model import GPT
from gptviz.tokenizers import Tokenizer

Format = Literal["onnx", "torch"]
FILES: dict[Format, str] = {"onnx": "model.onnx", "torch": "model.pt2"}
# Where an ONNX file would be larger than its format allows, 2 GiB, the weights lie beside it.
ONNX_WEIGHTS = "model.onnx.data"
ONNX_NEEDS = ("onnx", "onnxscript")


def save(folder: Path, model: GPT, tokenizer: Tokenizer, kind: Format) -> None:
    """Write a model's program and its tokenizer's files as a folder, whole or not at all.

    An older folder is replaced. Raises ValueError in words if a package is missing that this
    needs, OSError if the folder cannot be written.
    """
    require_packages(kind)
    folder = folder.absolute()  # also of "." the name is wanted
    made = program(model)
    write = _as_onnx(made).save if kind == "onnx" else partial(_write_torch, made)
    try:
        _remove_what_a_killed_process_left(folder)
        with whole_folder(folder) as new:
            tokenizer.save(new)
            with _quietly():
                write(new / FILES[kind])
            for path in new.iterdir():
                flush(path)
    except OSError as error:
        raise OSError(
            f"the program could not be written to {folder} ({reason(error)}); {advice(error)} or "
            f"choose another folder"
        ) from error


def require_packages(kind: Format) -> None:
    """Raise ValueError, which says how to get them, for packages that ONNX needs and are not here.

    They are no part of gptviz, which needs them for nothing else.
    """
    missing = [name for name in ONNX_NEEDS if kind == "onnx" and find_spec(name) is None]
    if missing:
        raise ValueError(
            f"to write ONNX, PyTorch needs {' and '.join(missing)}, not installed here; write "
            f"`pip install {' '.join(ONNX_NEEDS)}` and try again, or choose --format torch, which "
            f"needs nothing more"
        )


def is_program(folder: Path) -> bool:
    """Whether a folder holds nothing but what `save` writes, so that a new one may replace it."""
    names = {path.name for path in folder.iterdir()}
    known = {*FILES.values(), ONNX_WEIGHTS, *TOKENIZER_FILES}
    return names <= known and not names.isdisjoint(FILES.values())


def program(model: GPT) -> ExportedProgram:
    """The model as a graph of plain operations: ids (B, T) in, logits (B, T, V) out.

    B is any number, T any from 1 to the context.
    """
    plain = GPT(model.config, attention="explicit").eval().requires_grad_(False)
    plain.load_state_dict(copy.copy(model.state_dict()), assign=True)
    context = model.config.block_size
    lengths = {1: Dim("tokens", min=1, max=context)} if context > 1 else {}
    example = torch.zeros(2, min(2, context), dtype=torch.long)  # a size of 1 would be held fixed
    with _quietly():
        return torch.export.export(
            plain,
            (example,),
            dynamic_shapes={"ids": {0: Dim("texts", min=1), **lengths}},
            strict=False,
        )


def example(model: GPT, tokenizer: Tokenizer) -> str:
    """A text that the model can read: "Once" where it has these letters, or else one of its own."""
    known = min(tokenizer.vocab_size, model.config.vocab_size)
    for text in ("Once", *(tokenizer.decode([token]) for token in range(known))):
        with suppress(ValueError):
            ids = tokenizer.encode(text) if text.isprintable() and text.strip() else []
            if 0 < len(ids) <= model.config.block_size and max(ids) < known:
                return text
    return "Once"


def lines(folder: Path, kind: Format, text: str = "Once") -> str:
    """The lines of Python that run what `save` has written on a text, without gptviz."""
    vocabulary = (
        f'Tokenizer.from_file("{_in_code(folder / "tokenizer.json")}")'
        if (folder / "tokenizer.json").exists()
        else f'ByteLevelBPETokenizer("{_in_code(folder / "vocab.json")}", '
        f'"{_in_code(folder / "merges.txt")}")'
    )
    name = vocabulary.partition(".")[0].partition("(")[0]
    file = _in_code(folder / FILES[kind])
    run = {
        "onnx": (
            "import onnxruntime",
            f'model = onnxruntime.InferenceSession("{file}")',
            'logits = model.run(["logits"], {"ids": [ids]})[0]  # (1, tokens, vocabulary)',
        ),
        "torch": (
            "import torch",
            f'model = torch.export.load("{file}").module()',
            "logits = model(torch.tensor([ids]))  # (1, tokens, vocabulary)",
        ),
    }[kind]
    ids = f'ids = {vocabulary}.encode("{_quoted(text)}").ids'
    return "\n".join((run[0], f"from tokenizers import {name}", ids, *run[1:]))


def _write_torch(made: ExportedProgram, path: Path) -> None:
    # In memory first: where PyTorch itself writes to a full disk, the whole process is aborted.
    written = io.BytesIO()
    torch.export.save(made, written)
    path.write_bytes(written.getbuffer())


def _as_onnx(made: ExportedProgram) -> torch.onnx.ONNXProgram:
    with _quietly():
        onnx = torch.onnx.export(
            made,
            dynamo=True,
            dynamic_shapes={"ids": {0: "texts", 1: "tokens"}},
            output_names=["logits"],
            verbose=False,
        )
    assert onnx is not None  # as it is where a file is named
    return onnx


def _remove_what_a_killed_process_left(folder: Path) -> None:
    start = f".{folder.name}.partial-"
    for path in folder.parent.iterdir() if folder.parent.is_dir() else ():
        if path.name.startswith(start):
            shutil.rmtree(path, ignore_errors=True)


def _in_code(path: Path) -> str:
    return _quoted(path.as_posix())


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@contextmanager
def _quietly() -> Iterator[None]:
    """PyTorch's exporter warns of packages and of its own old ways, which is nothing to a user."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
