"""What stands beside a tokenizer's own file: tokens that were added, and how it is to be used.

Hugging Face keeps that in tokenizer_config.json, special_tokens_map.json and added_tokens.json.
They are put together as `transformers` 5 does it in PreTrainedTokenizerBase._from_pretrained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken

from gptviz.quoting import quoted

FILES = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
# The classes that cut as GPT-2 does, and set add_prefix_space themselves.
GPT2_CLASSES = ("GPT2Tokenizer", "GPT2TokenizerFast", None)
_NAMED = tuple(f"{name}_token" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
_EXTRA, _ADDITIONAL = "extra_special_tokens", "additional_special_tokens"  # the new name, the old
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class Settings:
    """What the files beside a vocabulary say."""

    added: tuple[AddedToken, ...] = ()  # tokens to add where the vocabulary lacks them, in order
    end_of_text: str | None = None
    add_prefix_space: bool = False
    overrules: bool = False  # whether these marks count where a tokenizer.json has others
    like_gpt2: bool = True  # whether a class that cuts as GPT-2 does is to read it
    begin_of_text: str | None = None
    # Whether each text begins and ends with these tokens; a tokenizer.json says so itself.
    adds: tuple[bool, bool] = (False, False)


def read(
    config: Mapping[str, Any], special: Mapping[str, Any], added: Mapping[str, Any]
) -> Settings:
    """The settings in the three FILES, {} for one that is not there.

    Raises ValueError, beginning with the file's name, for what has no meaning.
    """
    values = dict(config)
    tokens: dict[int, AddedToken] = {}
    slow = "added_tokens_decoder" not in config
    file = {
        key: f"{FILES[1] if slow and key in special else FILES[0]} sets {key}" for key in _NAMED
    }
    if slow:
        values |= special
    named = {key: _special(file[key], values[key]) for key in _NAMED if values.get(key)}
    more = [_special(*told) for told in _more(config, special if slow else {})]
    names = {token.content for token in (*named.values(), *more)}
    if slow:
        for content, token in added.items():
            of_text = content not in names
            tokens[_id(FILES[2], token)] = AddedToken(
                content, normalized=of_text, special=not of_text
            )
    else:
        decoder = config["added_tokens_decoder"]
        if not isinstance(decoder, dict):
            raise ValueError(f"{FILES[0]} sets added_tokens_decoder to no map of ids to tokens")
        for token, value in decoder.items():
            tokens[_id(FILES[0], token)] = _token(f"{FILES[0]} sets an added token", value)
    ordered = [tokens[token] for token in sorted(tokens)]
    known = {token.content for token in ordered}
    for token in (*named.values(), *more):
        if token.content not in known:
            known.add(token.content)
            ordered.append(token)
    for key in ("add_prefix_space", "add_bos_token", "add_eos_token"):
        if not isinstance(values.get(key, False), bool | None):
            raise ValueError(
                f"{FILES[0]} sets {key} to {quoted(values[key])}; it must be true or false"
            )
    return Settings(
        added=tuple(ordered),
        end_of_text=named["eos_token"].content if "eos_token" in named else None,
        begin_of_text=named["bos_token"].content if "bos_token" in named else None,
        add_prefix_space=bool(values.get("add_prefix_space")),
        overrules=not slow,
        like_gpt2=values.get("tokenizer_class") in GPT2_CLASSES,
        adds=(bool(values.get("add_bos_token")), bool(values.get("add_eos_token"))),
    )


def _more(config: Mapping[str, Any], special: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The special tokens beside the named ones, each with where it is told.

    Under their new name those of both files count; else the first file that tells any.
    """
    own = [
        (f"{FILES[0]} sets {key}", value)
        for key, value in config.items()
        if key.endswith("_token") and key not in _NAMED and isinstance(value, str)
    ]
    told = _listed(FILES[0], config, _EXTRA) or _listed(FILES[0], config, _ADDITIONAL)
    merged = _listed(FILES[1], special, _EXTRA)
    return [*own, *(told + merged or _listed(FILES[1], special, _ADDITIONAL))]


def _listed(file: str, values: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    where, more = f"{file} sets {key}", values.get(key) or []
    if not isinstance(more, list | dict):
        raise ValueError(f"{where} to a {type(more).__name__}; it must be a list of tokens")
    return [(where, token) for token in (more.values() if isinstance(more, dict) else more)]


def _id(where: str, value: Any) -> int:
    try:
        token = int(value)
    except (TypeError, ValueError):
        token = -1
    if token < 0:
        raise ValueError(
            f"{where} gives an added token the id {quoted(value)}; it must be a whole number from "
            f"0 on"
        )
    return token


def _special(where: str, value: Any) -> AddedToken:
    # Whatever a file says of it: a token with a part of its own is no text.
    return _token(where, {**value, "special": True} if isinstance(value, dict) else value)


def _token(where: str, value: Any) -> AddedToken:
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, str) or not content:
        raise ValueError(f"{where} to a {type(content).__name__}; it must be a token's name")
    flags = {"special": True, "normalized": False}
    if isinstance(value, dict):
        flags = {name: bool(value[name]) for name in _FLAGS if name in value}
    return AddedToken(content, **flags)
