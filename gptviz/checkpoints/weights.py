"""Tensors under Hugging Face's names and in its layout ⇄ a model's own.

GPT-2's matrices lie there as (in, out), the transpose of what nn.Linear holds.
"""

import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gptviz.model import GPT

PREFIX = "transformer."
_TRANSPOSED = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")
_MASKS = re.compile(r"\.attn\.(masked_)?bias$")  # old files hold the causal mask too


def to_hugging_face(model: GPT, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """A model's tensors as Hugging Face stores them."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        stored = tensor.t() if _TRANSPOSED.search(name) else tensor
        key = name if name.startswith("lm_head.") else PREFIX + name
        tensors[key] = stored.to("cpu", dtype).contiguous()
    return tensors


def read(folder: Path, model: GPT) -> dict[str, Tensor]:
    """The tensors for a model's state_dict, in float32, mapped where the file holds float32."""
    path = folder / "model.safetensors"
    try:
        with safe_open(path, framework="pt") as file:
            stored = {name.removeprefix(PREFIX): file.get_tensor(name) for name in file.keys()}
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} holds no model.safetensors") from None
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    tensors = {}
    for name, parameter in model.state_dict().items():
        if name not in stored:
            raise ValueError(f"{path} lacks the tensor {name}")
        tensor = stored[name].t() if _TRANSPOSED.search(name) else stored[name]
        if tensor.shape != parameter.shape:
            raise ValueError(
                f"{name} in {path} has the shape {tuple(tensor.shape)}; "
                f"config.json asks for {tuple(parameter.shape)}"
            )
        tensors[name] = tensor.float()
    return tensors
