"""Weights under Hugging Face's names and in its layout ⇄ a GPT's own.

GPT-2's matrices lie in its files as (in, out), the transpose of what nn.Linear holds; their
names begin with `transformer.` or not, depending on the class that saved them, and with
`_orig_mod.` or `module.` where torch.compile or DataParallel stood around it.
"""

import pickle
import re
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gptviz import system
from gptviz.checkpoints.config import read_json
from gptviz.config import GPTConfig
from gptviz.disk import refuse_lfs_pointer
from gptviz.model import GPT
from gptviz.quoting import quoted

FILE = "model.safetensors"
PICKLE = "pytorch_model.bin"

_PREFIX = "transformer."
_TRANSPOSED = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")
_PREFIXES = re.compile(r"^((transformer|model|module|_orig_mod)\.)+")
# The heads of other tasks: to classify texts or tokens, to answer questions, to choose.
_OTHER_HEADS = re.compile(r"(score|classifier|qa_outputs|multiple_choice_head)\.")
_MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # old files hold the causal mask too
_OLD_ENDS = re.compile(r"\.(gamma|beta)$")  # of norms, in files that TensorFlow began
_LAYER = re.compile(r"h\.(\d+)\.")
# What torch.load raises, in its many ways, for a file that is broken or more than tensors.
UNREADABLE = (
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

    float32 weights stay in their files and are mapped into memory, on Windows copied; the matrices
    are transposed views. Others are converted. Raises FileNotFoundError or ValueError if they do
    not fit.
    """
    stored: dict[str, Tensor] = {}
    for path in files(folder):
        tensors = _mapped(path) if path.suffix == ".safetensors" else unpickled(path)
        stored |= named_plainly(tensors)
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


def named_plainly(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a GPT-2's body and language head, under names without what stood around.

    Causal masks, which old files hold too, and the heads of other tasks are left out.
    """
    plain = {_PREFIXES.sub("", name): tensor for name, tensor in tensors.items()}
    plain = {_OLD_ENDS.sub(_of_old_end, name): tensor for name, tensor in plain.items()}
    return {
        name: tensor
        for name, tensor in plain.items()
        if not _MASKS.fullmatch(name) and not _OTHER_HEADS.match(name)
    }


def _of_old_end(old: re.Match[str]) -> str:
    return ".weight" if old[1] == "gamma" else ".bias"


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
            raise ValueError(f"{index} names {quoted(name)}; it must be a file in the same folder")
    paths = [index.parent / name for name in sorted(set(weight_map.values()))]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; {index.name} names it, so fetch it too")
    return paths


def _mapped(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        _refuse_pointer(path)
        raise ValueError(
            f"{path} is cut off or no safetensors file ({error}); copy or download it again"
        ) from error
    if system.keeps_mapped_files():  # or nobody could delete a run while a page shows its model
        return {name: tensor.clone() for name, tensor in tensors.items()}
    return tensors


def unpickled(path: Path) -> dict[str, Tensor]:
    """The named tensors of a pickle, of which no code is run. Raises ValueError in words."""
    content = unpickled_safely(path)
    if isinstance(content, dict) and all(
        isinstance(k, str) and isinstance(v, Tensor) for k, v in content.items()
    ):
        return dict(content)
    raise ValueError(f"{path} holds more than named tensors; use this model's {FILE} in its place")


def unpickled_safely(path: Path) -> Any:
    """What a pickle of PyTorch holds, if that is plain values and tensors; its code is not run."""
    with suppress(*UNREADABLE):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    with suppress(*UNREADABLE):  # before 2020 PyTorch wrote no archive, which can be mapped
        return torch.load(path, map_location="cpu", weights_only=True)
    _refuse_pointer(path)
    raise ValueError(
        f"{path} is cut off, or holds code, which gptviz never runs; use this model's {FILE} in "
        f"its place"
    )


def _refuse_pointer(path: Path) -> None:
    with path.open("rb") as file:
        refuse_lfs_pointer(path, file.read(100))


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
    if name not in stored and name.endswith(".bias"):
        return torch.zeros(shape)  # as `transformers` does
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
