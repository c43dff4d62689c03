"""Which files in a folder make which tokenizer."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gptviz.disk import read_regular
from gptviz.quoting import quoted
from gptviz.tokenizers import characters, gpt2, huggingface, settings
from gptviz.tokenizers.base import Tokenizer
from gptviz.tokenizers.characters import CharacterTokenizer
from gptviz.tokenizers.gpt2 import GPT2Tokenizer
from gptviz.tokenizers.huggingface import HuggingFaceTokenizer
from gptviz.tokenizers.settings import Settings

LARGEST = 128 * 2**20  # bytes; the largest vocabularies that people share have 30 MB
VOCAB_FILE, MERGES_FILE = "vocab.json", "merges.txt"


def load(folder: Path) -> Tokenizer:
    """The tokenizer of a folder, from the first of these that it holds:

    characters.json, which only gptviz writes, with a tokenizer.json for others beside it;
    tokenizer.json, which says everything and which `transformers` prefers too; vocab.json with
    merges.txt, GPT-2's own or another byte-level BPE's. What stands beside the last two in
    tokenizer_config.json, special_tokens_map.json and added_tokens.json counts as it does for
    `transformers`. Raises FileNotFoundError if there is none, ValueError if one cannot be read.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; check the name")
    if (path := folder / characters.FILE).exists():
        return _characters(path)
    if (path := folder / huggingface.FILE).exists():
        return _huggingface(path)
    if (folder / VOCAB_FILE).exists() and (folder / MERGES_FILE).exists():
        return _byte_level(folder / VOCAB_FILE, folder / MERGES_FILE)
    raise FileNotFoundError(
        f"{folder} holds no tokenizer; it needs {huggingface.FILE}, or {VOCAB_FILE} with "
        f"{MERGES_FILE}, or {characters.FILE}"
    )


def _characters(path: Path) -> CharacterTokenizer:
    found = _json(path)
    if not isinstance(found, list):
        raise ValueError(f"{path} holds a {type(found).__name__}; it must be a list of characters")
    try:
        return CharacterTokenizer(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _settings(folder: Path) -> Settings:
    found = {}
    for name in settings.FILES:
        found[name] = _json(folder / name) if (folder / name).exists() else {}
        if not isinstance(found[name], dict):
            kind = type(found[name]).__name__
            raise ValueError(f"{folder / name} holds a {kind}; it must be a JSON object")
    try:
        return settings.read(*found.values())
    except ValueError as error:
        raise ValueError(f"{folder}/{error}") from None


def _huggingface(path: Path) -> HuggingFaceTokenizer:
    beside = _settings(path.parent)
    specification = _text(path)
    if beside.like_gpt2:
        specification = _as_gpt2_cuts(specification, beside.add_prefix_space)
    try:
        return _made(specification, replace(beside, adds=(False, False)))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _made(specification: str, beside: settings.Settings) -> HuggingFaceTokenizer:
    return HuggingFaceTokenizer(
        specification,
        beside.end_of_text,
        beside.added,
        overrules=beside.overrules,
        begin_of_text=beside.begin_of_text,
        adds=beside.adds,
    )


def _as_gpt2_cuts(specification: str, add_prefix_space: bool) -> str:
    """GPT-2's classes cut a text themselves, and keep only the vocabulary and what comes after."""
    if '"ByteLevel"' not in specification:
        return specification
    try:
        values = json.loads(specification)
    except (ValueError, RecursionError):
        return specification  # the library will say what is wrong
    cut = values.get("pre_tokenizer") if isinstance(values, dict) else None
    if not isinstance(cut, dict) or '"ByteLevel"' not in json.dumps(cut):
        return specification
    theirs = {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "use_regex": True}
    same = {"use_regex": True, **cut, "trim_offsets": 0} == theirs | {"trim_offsets": 0}
    if same and not values.get("normalizer"):
        return specification
    values |= {"normalizer": None, "pre_tokenizer": theirs | {"trim_offsets": True}}
    return json.dumps(values, ensure_ascii=False)


def _byte_level(vocab_path: Path, merges_path: Path) -> Tokenizer:
    published = (gpt2.HASHES["encoder.json"], gpt2.HASHES["vocab.bpe"])
    beside = _settings(vocab_path.parent)
    is_gpt2s = (_sha256(vocab_path), _sha256(merges_path)) == published
    adds = [token for token in beside.added if token.content != gpt2.END_OF_TEXT]
    if is_gpt2s and not adds and not beside.add_prefix_space and not any(beside.adds):
        return GPT2Tokenizer()
    vocab = _vocabulary(vocab_path)
    merges = _merges(merges_path)
    # What no merge makes is no text: those are the special tokens, such as the end of a text.
    made = {a + b for a, b in merges}
    special = {spelling for spelling in vocab if len(spelling) > 1 and spelling not in made}
    by_id = sorted(special, key=vocab.__getitem__)
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    cut = byte_level | {"add_prefix_space": beside.add_prefix_space}
    specification = {
        "added_tokens": [
            {"id": vocab[spelling], "content": spelling, "special": True, **flags}
            for spelling in by_id
        ],
        "pre_tokenizer": cut,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocab, "merges": merges},
    }
    try:
        return _made(json.dumps(specification), replace(beside, overrules=True))
    except ValueError as error:
        raise ValueError(f"{vocab_path} and {merges_path}: {error}") from None


def _vocabulary(path: Path) -> dict[str, int]:
    vocab = _json(path)
    if not isinstance(vocab, dict) or not vocab:
        raise ValueError(f"{path} holds no vocabulary; it must be tokens with their ids")
    for spelling, token in vocab.items():
        if not isinstance(token, int) or isinstance(token, bool) or token < 0:
            raise ValueError(
                f"{path}: the id of {quoted(spelling)} is {quoted(token)}; it must be a whole "
                f"number from 0 on"
            )
    return vocab


def _merges(path: Path) -> list[tuple[str, str]]:
    merges = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        pair = line.split(" ")
        if len(pair) != 2:
            raise ValueError(
                f"{path}, line {number}: {quoted(line)} is no merge; it must be two tokens and a "
                f"space"
            )
        merges.append((pair[0], pair[1]))
    return merges


def _json(path: Path) -> Any:
    text = _text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is no valid JSON: {error}; copy or download the file again"
        ) from None


def _text(path: Path) -> str:
    try:
        return read_regular(path, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text in UTF-8: {error}; copy or download the file again"
        ) from None


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_regular(path, LARGEST)).hexdigest()
