"""A folder ⇄ a model and its tokenizer."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from gptviz import tokenizers
from gptviz.checkpoints import config as configs
from gptviz.checkpoints import weights
from gptviz.model import GPT, Attention
from gptviz.tokenizers import Tokenizer


def save(folder: Path, model: GPT, tokenizer: Tokenizer, dtype: torch.dtype | None = None) -> None:
    """Write a model as Hugging Face's GPT-2 folder, its numbers as dtype if one is given.

    All files are written beside the old ones first and then renamed, so a full disk or a killed
    process leaves the old model. Raises OSError if the folder cannot be written.
    """
    tensors = weights.to_hugging_face(model, dtype)
    values = configs.to_dict(model.config, tokenizer)
    values["torch_dtype"] = str(next(iter(tensors.values())).dtype).removeprefix("torch.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(".partial-*"):
            shutil.rmtree(stale, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        try:
            tokenizer.save(partial)
            (partial / configs.FILE).write_text(json.dumps(values, indent=2) + "\n", "utf-8")
            save_file(tensors, partial / "model.safetensors", {"format": "pt"})
            for file in sorted(partial.iterdir()):
                os.replace(file, folder / file.name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"the model could not be written to {folder}: {reason}; what was there is kept, "
            f"so make room or choose another folder"
        ) from error


def read(folder: Path, attention: Attention = "explicit") -> tuple[GPT, Tokenizer]:
    """The model in a folder, ready to run, and its tokenizer.

    Weights in float32 stay in the file and are mapped into memory; narrower ones become float32.
    """
    config = configs.read(folder, attention)
    with torch.device("meta"):
        model = GPT(config)
    model.load_state_dict(weights.read(folder, model), assign=True)
    tokenizer = tokenizers.load(folder)
    if tokenizer.vocab_size > config.vocab_size:
        raise ValueError(
            f"the tokenizer in {folder} has {tokenizer.vocab_size} tokens, its model only "
            f"{config.vocab_size}; they do not belong together"
        )
    return model.eval().requires_grad_(False), tokenizer
