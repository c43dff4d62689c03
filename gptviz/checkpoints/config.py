"""config.json in Hugging Face's words ⇄ GPTConfig."""

import json
from pathlib import Path
from typing import Any

from gptviz.checkpoints import writing
from gptviz.config import Activation, GPTConfig
from gptviz.disk import LARGEST_JSON, read_regular
from gptviz.quoting import quoted
from gptviz.tokenizers import Tokenizer

FILE = "config.json"

# Hugging Face's name of each setting that both know; what a file leaves out is GPT-2's.
_NAMES = {
    "vocab_size": "vocab_size",
    "n_positions": "block_size",
    "n_embd": "n_embd",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_inner": "n_inner",
    "embd_pdrop": "embd_pdrop",
    "attn_pdrop": "attn_pdrop",
    "resid_pdrop": "resid_pdrop",
    "layer_norm_epsilon": "layer_norm_epsilon",
    "scale_attn_weights": "scale_attn_weights",
    "scale_attn_by_inverse_layer_idx": "scale_attn_by_inverse_layer_idx",
    "tie_word_embeddings": "tie_weights",
}
# The other names that `transformers` takes for some of them (GPT2Config.attribute_map).
_ALSO = {
    "max_position_embeddings": "n_positions",
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
}
# What only gptviz can compute; GPT-2 has the defaults.
_OWN = ("position", "norm", "attention", "mlp", "residual", "qkv_bias")
_LARGEST = 2**24
_ACTIVATIONS: dict[str, Activation] = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}
# What changes no hidden state or logit of a GPT-2, though `transformers` writes or reads it:
# training, generation, heads of other tasks, how tensors are stored, names and remarks.
# reorder_and_upcast_attn asks for scores in float32, in which everything is computed here.
_CHANGES_NOTHING = {
    *("model_type", "architectures", "activation_function", "n_ctx", "add_cross_attention"),
    *("reorder_and_upcast_attn", "initializer_range", "use_cache", "gradient_checkpointing"),
    *("id2label", "label2id", "num_labels", "problem_type", "finetuning_task", "task"),
    *("task_specific_params", "pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id"),
    *("decoder_start_token_id", "cls_token_id", "unk_token_id", "mask_token_id"),
    *("torch_dtype", "dtype", "transformers_version", "name_or_path", "tokenizer_class", "prefix"),
    *("output_attentions", "output_hidden_states", "output_past", "return_dict", "torchscript"),
    *("is_decoder", "is_encoder_decoder", "use_return_dict", "attn_implementation", "auto_map"),
    *("chunk_size_feed_forward", "tie_encoder_decoder", "cross_attention_hidden_size"),
    *("pruned_heads", "use_bfloat16", "tf_legacy_loss", "license", "remarks", "description"),
    *("do_sample", "max_length", "min_length", "early_stopping", "num_beams", "temperature"),
    *("num_beam_groups", "diversity_penalty", "top_k", "top_p", "typical_p", "length_penalty"),
    *("repetition_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size"),
    *("bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate"),
    *("forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values", "suppress_tokens"),
    *("exponential_decay_length_penalty", "begin_suppress_tokens", "max_new_tokens"),
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
    values = _in_usual_words(path, read_json(path))
    model_type = _model_type(values)
    if model_type not in ("gpt2", "gptviz"):
        came = "no model_type" if model_type is None else f"the model_type {quoted(model_type)}"
        raise ValueError(f"{path} gives {came}; gptviz reads 'gpt2', so choose a GPT-2 model")
    if values.get("add_cross_attention", False) is not False:
        raise ValueError(
            f"{path} sets add_cross_attention to {quoted(values['add_cross_attention'])}; gptviz "
            f"computes False only, so choose another GPT-2 model"
        )
    activation = values.get("activation_function", "gelu_new")
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        raise ValueError(
            f"{path} sets activation_function to {quoted(activation)}; "
            f"gptviz computes {', '.join(_ACTIVATIONS)}"
        )
    names = _NAMES | (dict(zip(_OWN, _OWN, strict=True)) if model_type == "gptviz" else {})
    known = {ours: values[theirs] for theirs, ours in names.items() if theirs in values}
    for name, value in known.items():
        if isinstance(value, int) and value > _LARGEST:
            raise ValueError(f"{path} asks for a {name} above {_LARGEST}; no computer can hold it")
    # The weights tell all sizes but this one, which they would fit with any number.
    if (strange := _unknown(values)) and "n_head" not in values:
        raise ValueError(
            f"{path} gives no n_head, and gptviz does not know its {', '.join(strange)}; "
            f"write n_head into it, the number of attention heads of a layer"
        )
    try:
        return GPTConfig(**known, activation=_ACTIVATIONS[activation])
    except ValueError as error:
        raise ValueError(f"{path} describes no model that can work: {error}") from error


def notes(folder: Path) -> list[str]:
    """What a reader should know of a model that is shown otherwise than its config.json says.

    Raises what `read` raises.
    """
    values = read_json(folder / FILE)
    told = []
    if strange := _unknown(values):
        told.append(
            f"Its config.json holds {', '.join(strange)}, which gptviz does not know: if that "
            f"changes what the model computes, what you see here lacks it."
        )
    architectures = values.get("architectures")
    kind = architectures[0] if isinstance(architectures, list) and architectures else None
    if isinstance(kind, str) and kind not in ("GPT", "GPT2LMHeadModel", "GPT2Model"):
        told.append(
            f"This model was made for another task ({kind[:60]}): you see its body, with a next "
            f"token for every position; the head of that task is left out."
        )
    return told


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises FileNotFoundError or ValueError in words."""
    try:
        content = read_regular(path, LARGEST_JSON)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path.parent} holds no {path.name}, so it is no model") from None
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no valid JSON: {error}; copy or download it again") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds a {type(values).__name__}; it must be a JSON object")
    return values


def _in_usual_words(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    usual = {name: value for name, value in values.items() if name not in _ALSO}
    for also, name in _ALSO.items():
        if also in values and usual.setdefault(name, values[also]) != values[also]:
            raise ValueError(
                f"{path} sets {name} to {quoted(usual[name])} and {also}, another name of it, to "
                f"{quoted(values[also])}; leave one of them out"
            )
    return usual


def _model_type(values: dict[str, Any]) -> Any:
    architectures = values.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else None
    if "model_type" not in values and isinstance(first, str) and first.startswith("GPT2"):
        return "gpt2"  # the files of 2019 do not say it
    return values.get("model_type")


def _unknown(values: dict[str, Any]) -> list[str]:
    """Keys that may change what is computed, as far as gptviz knows."""
    known = {*_NAMES, *_ALSO, *_CHANGES_NOTHING, *writing.RULES}
    known |= set(_OWN) if values.get("model_type") == "gptviz" else set()
    strange = [key for key in values if key not in known and not key.startswith(("_", "summary_"))]
    return sorted(key[:40] for key in strange)
