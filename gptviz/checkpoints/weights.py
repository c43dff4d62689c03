"""Weights under Hugging Face's names and in its layout ⇄ a GPT's own.

GPT-2's matrices lie in its files as (in, out), the transpose of what nn.Linear holds; their
names begin with `transformer.` or not, depending on the class that saved them.
"""

import pickle
import re
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gptviz.checkpoints.config import read_json
from gptviz.config import GPTConfig
from gptviz.model import GPT

FILE = "model.safetensors"
PICKLE = "pytorch_model.bin"

_PREFIX = "transformer."
_TRANSPOSED = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")
_MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # old files hold the causal mask too
_LAYER = re.compile(r"h\.(\d+)\.")
# What torch.load raises, in its many ways, for a file that is broken or more than tensors.
_UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, EOFError, OSError, RuntimeError, ValueError),
    *(LookupError, TypeError, AttributeError, AssertionError, OverflowError, MemoryError),
)


def to_hugging_face(model: GPT, dtype: torch.dtype | None) -> dict[str, Tensor]:
    """A model's tensors as Hugging Face stores them, of the given type if there is one."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        stored = tensor.t() if _TRANSPOSED.search(name) else tensor
        theirs = name if name == "lm_head.weight" else _PREFIX + name
        tensors[theirs] = stored.to("cpu", dtype).contiguous()
    return tensors


def files(folder: Path) -> list[Path]:
    """The files that hold the weights: one, or as many as an index names.

    Raises FileNotFoundError if one is missing, ValueError if an index cannot be used.
    """
    for name in (FILE, PICKLE):
        if (folder / name).is_file():
            return [folder / name]
        if (index := folder / f"{name}.index.json").is_file():
            return _shards(index)
    raise FileNotFoundError(
        f"{folder} holds no weights; it needs {FILE}, or {FILE}.index.json with its parts"
    )


def read(folder: Path, config: GPTConfig) -> GPT:
    """A model with the weights that lie in a folder, in float32.

    float32 weights stay in their files and are mapped into memory, the matrices as transposed
    views; others are converted. Raises FileNotFoundError or ValueError if they do not fit.
    """
    stored: dict[str, Tensor] = {}
    for path in files(folder):
        tensors = _mapped(path) if path.suffix == ".safetensors" else _unpickled(path)
        stored |= {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items()}
    stored = {name: tensor for name, tensor in stored.items() if not _MASKS.fullmatch(name)}
    layers = {match[1] for name in stored if (match := _LAYER.match(name))}
    if len(layers) != config.n_layer:
        raise ValueError(
            f"the weights in {folder} have {len(layers)} layers, its config.json says "
            f"{config.n_layer}; they do not belong together"
        )
    if config.tie_weights:
        _drop_second_name(folder, stored)
    model = unfilled(config)
    own = {
        name: _fitting(folder, name, stored, parameter.shape)
        for name, parameter in model.state_dict().items()
    }
    if surplus := stored.keys() - own.keys():
        raise ValueError(
            f"{folder} holds the tensor {min(surplus)}, which its config.json has no place for; "
            f"choose a plain GPT-2"
        )
    model.load_state_dict(own, assign=True)
    return model


def unfilled(config: GPTConfig) -> GPT:
    """A model that has its shape and no memory: weights are to be assigned to it."""
    with torch.device("meta"), _Undrawn():
        return GPT(config)


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of first weights: without memory to fill there is no use in it.

    On the meta device it would also import PyTorch's compiler, which takes two seconds.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in (nn.init.normal_, Tensor.normal_):
            return None
        return func(*args, **(kwargs or {}))


def _shards(index: Path) -> list[Path]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise ValueError(f"{index} names no files; it must map each tensor to one (weight_map)")
    for name in weight_map.values():
        if not isinstance(name, str) or not name or Path(name).name != name:
            raise ValueError(f"{index} names {name!r}; it must be a file in the same folder")
    paths = [index.parent / name for name in sorted(set(weight_map.values()))]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; {index.name} names it, so fetch it too")
    return paths


def _mapped(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is cut off or no safetensors file ({error}); copy or download it again"
        ) from error


def _unpickled(path: Path) -> dict[str, Tensor]:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        if all(isinstance(k, str) and isinstance(v, Tensor) for k, v in tensors.items()):
            return dict(tensors)
        reason = "holds more than named tensors"
    except _UNREADABLE:
        reason = "is cut off, of an old format, or holds code, which gptviz never runs"
    raise ValueError(f"{path} {reason}; use this model's {FILE} in its place")


def _drop_second_name(folder: Path, stored: dict[str, Tensor]) -> None:
    """Of tied weights a file may hold either name, or both with the same numbers."""
    wte, head = stored.get("wte.weight"), stored.pop("lm_head.weight", None)
    if wte is None and head is not None:
        stored["wte.weight"] = head
    elif wte is not None and head is not None and not _same(wte, head):
        raise ValueError(
            f"the config.json in {folder} ties lm_head.weight to wte.weight, but the two differ; "
            f"set tie_word_embeddings to false in it"
        )


def _same(a: Tensor, b: Tensor) -> bool:
    return a.data_ptr() == b.data_ptr() or (a.dtype == b.dtype and torch.equal(a, b))


def _fitting(folder: Path, name: str, stored: dict[str, Tensor], shape: torch.Size) -> Tensor:
    if name not in stored:
        raise ValueError(f"the weights in {folder} lack the tensor {name}; fetch the model again")
    tensor, transposed = stored[name], _TRANSPOSED.search(name)
    expected = shape[::-1] if transposed else shape
    if tensor.shape != expected:
        raise ValueError(
            f"the tensor {name} in {folder} has the shape {tuple(tensor.shape)}; "
            f"its config.json asks for {tuple(expected)}"
        )
    if not tensor.is_floating_point():
        raise ValueError(
            f"the tensor {name} in {folder} holds {tensor.dtype}; gptviz reads float32, float16 "
            f"and bfloat16, so choose a model that is not quantised"
        )
    return (tensor.t() if transposed else tensor).float()
