"""config.json in Hugging Face's words ⇄ GPTConfig."""

import json
from pathlib import Path
from typing import Any

from gptviz.config import Activation, GPTConfig
from gptviz.tokenizers import Tokenizer

FILE = "config.json"

# Hugging Face's name of each setting that both know; what a file leaves out is GPT-2's.
_NAMES = {
    "vocab_size": "vocab_size",
    "n_positions": "block_size",
    "n_embd": "n_embd",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "embd_pdrop": "embd_pdrop",
    "attn_pdrop": "attn_pdrop",
    "resid_pdrop": "resid_pdrop",
    "layer_norm_epsilon": "layer_norm_epsilon",
    "tie_word_embeddings": "tie_weights",
}
# What only gptviz can compute; GPT-2 has the defaults.
_OWN = ("position", "norm", "qkv_bias")
_LARGEST = 2**24
_ACTIVATIONS: dict[str, Activation] = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
# Settings that would change the calculation, each with the one value that gptviz computes.
_FIXED = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "reorder_and_upcast_attn": False,
    "add_cross_attention": False,
}


def to_dict(config: GPTConfig, tokenizer: Tokenizer) -> dict[str, Any]:
    """What config.json says about a model.

    One that is no GPT-2 gets another model_type, so that a program which knows nothing of the
    difference refuses it instead of computing something else.
    """
    own = {name: getattr(config, name) for name in _OWN}
    own = {name: value for name, value in own.items() if value != getattr(GPTConfig, name)}
    shared = {theirs: getattr(config, ours) for theirs, ours in _NAMES.items()}
    activation = next(theirs for theirs, ours in _ACTIVATIONS.items() if ours == config.activation)
    return {
        "model_type": "gptviz" if own else "gpt2",
        "architectures": ["GPT" if own else "GPT2LMHeadModel"],
        **shared,
        "n_ctx": config.block_size,
        "n_inner": None,
        "activation_function": activation,
        "bos_token_id": tokenizer.end_of_text,
        "eos_token_id": tokenizer.end_of_text,
        **own,
    }


def read(folder: Path) -> GPTConfig:
    """The shape of the model in a folder.

    Raises FileNotFoundError if there is no config.json, ValueError if it describes no GPT-2.
    """
    path = folder / FILE
    values = read_json(path)
    model_type = values.get("model_type")
    if model_type is None and values.get("architectures") == ["GPT2LMHeadModel"]:
        model_type = "gpt2"  # the files of 2019 do not say it
    if model_type not in ("gpt2", "gptviz"):
        came = "no model_type" if model_type is None else f"the model_type {model_type!r}"
        raise ValueError(f"{path} gives {came}; gptviz reads 'gpt2', so choose a GPT-2 model")
    for name, value in _FIXED.items():
        if values.get(name, value) is not value:
            raise ValueError(
                f"{path} sets {name} to {values[name]!r}; gptviz computes {value!r} only, "
                f"so choose another GPT-2 model"
            )
    activation = values.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise ValueError(
            f"{path} sets activation_function to {activation!r}; "
            f"gptviz computes {', '.join(_ACTIVATIONS)}"
        )
    names = _NAMES | (dict(zip(_OWN, _OWN, strict=True)) if model_type == "gptviz" else {})
    known = {ours: values[theirs] for theirs, ours in names.items() if theirs in values}
    for name, value in known.items():
        if isinstance(value, int) and value > _LARGEST:
            raise ValueError(f"{path} asks for a {name} above {_LARGEST}; no computer can hold it")
    try:
        config = GPTConfig(**known, activation=_ACTIVATIONS[activation])
    except ValueError as error:
        raise ValueError(f"{path} describes no model that can work: {error}") from error
    if values.get("n_inner") not in (None, 4 * config.n_embd):
        raise ValueError(
            f"{path} sets n_inner to {values['n_inner']!r}; gptviz computes an MLP of "
            f"4 · n_embd = {4 * config.n_embd} only"
        )
    return config


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises FileNotFoundError or ValueError in words."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path.parent} holds no {path.name}, so it is no model") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON: {error}; copy or download it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it must be a JSON object")
    return values
