"""nanoGPT's ckpt.pt and meta.pkl (Karpathy, 2022) → a model and its tokenizer.

No code of the files runs. Matrices lie in them as nn.Linear holds them, so nothing is transposed;
a model without biases has zeros in their place here, which compute the same.
"""

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from gptviz.checkpoints import weights
from gptviz.config import Activation, GPTConfig
from gptviz.disk import read_regular
from gptviz.model import GPT
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer

META = "meta.pkl"
_LARGEST_META = 16 * 2**20
_OF_GPT2 = (50257, 50304)  # the vocabulary, and as nanoGPT pads it
_SIZES = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")


def read(path: Path, activation: Activation = "gelu") -> GPT:
    """The model in a ckpt.pt. Its file does not tell the activation: before 2023 it was gelu_tanh.

    Raises FileNotFoundError or ValueError in words.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; it must be nanoGPT's ckpt.pt")
    content = weights.unpickled_safely(path)
    arguments = content.get("model_args") if isinstance(content, dict) else None
    tensors = content.get("model") if isinstance(content, dict) else None
    if not isinstance(arguments, dict) or not isinstance(tensors, dict):
        raise ValueError(f"{path} is no checkpoint of nanoGPT: it lacks model or model_args")
    try:
        values: dict[str, Any] = {name: arguments[name] for name in _SIZES}
        dropout = arguments.get("dropout", 0.0)
        values |= dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), dropout)
        config = GPTConfig(**values, activation=activation)
    except (KeyError, ValueError) as error:
        raise ValueError(f"the model_args in {path} describe no model: {error}") from error
    stored = weights.named_plainly({str(name): tensor for name, tensor in tensors.items()})
    stored.pop("lm_head.weight", None)  # tied to wte.weight
    model = weights.unfilled(config)
    own: dict[str, Tensor] = {}
    for name, parameter in model.state_dict().items():
        tensor = stored.get(name)
        if tensor is None and name.endswith(".bias"):
            tensor = torch.zeros(parameter.shape)
        if not isinstance(tensor, Tensor) or tensor.shape != parameter.shape:
            raise ValueError(f"{path} holds no {name} of the shape {tuple(parameter.shape)}")
        own[name] = tensor.float().contiguous()
    model.load_state_dict(own, assign=True)
    return model.eval().requires_grad_(False)


def tokenizer(model: GPT, meta: Path) -> Tokenizer:
    """The characters in a meta.pkl; where there is none, GPT-2's tokens if their number fits.

    Raises ValueError in words.
    """
    if not meta.is_file():
        if model.config.vocab_size in _OF_GPT2:
            return GPT2Tokenizer()
        raise ValueError(
            f"the model has {model.config.vocab_size} tokens, and {meta}, which would name them, "
            f"is not there; give it with --meta (nanoGPT keeps it beside the training text)"
        )
    try:
        content = _Plain(io.BytesIO(read_regular(meta, _LARGEST_META))).load()
        names = content["itos"]
        return CharacterTokenizer(names[token] for token in range(len(names)))
    except (*weights.UNREADABLE, KeyError) as error:
        raise ValueError(f"{meta} holds no characters that can be read: {error}") from error


class _Plain(pickle.Unpickler):
    """Reads numbers, texts, lists and dicts; whatever would run code is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, and no code of a file is run")
