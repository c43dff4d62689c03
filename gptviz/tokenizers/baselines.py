"""Two simple tokenizers to hold a cleverer one against: the characters of a text, and bytes."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from gptviz.tokenizers.base import Tokenizer
from gptviz.tokenizers.byte_level import CHARACTER_OF
from gptviz.tokenizers.characters import CharacterTokenizer
from gptviz.tokenizers.gpt2 import GPT2Tokenizer
from gptviz.tokenizers.huggingface import HuggingFaceTokenizer

SHAKESPEARE = Path(__file__).parent.parent / "data" / "shakespeare.txt"


def compared_with(own: Tokenizer) -> Mapping[str, Tokenizer]:
    """A tokenizer, then GPT-2's and the two simple ones, each under its name and kind only once."""
    tokenizers = {own.name: own}
    if not isinstance(own, GPT2Tokenizer):
        tokenizers["GPT-2 BPE"] = _gpt2()
    if not isinstance(own, CharacterTokenizer):
        tokenizers["characters of Shakespeare"] = shakespeare_characters()
    tokenizers["UTF-8 bytes"] = raw_bytes()
    return tokenizers


@functools.cache
def shakespeare_characters() -> CharacterTokenizer:
    """One token for each character that occurs in the text that comes with gptviz."""
    return CharacterTokenizer.from_text(SHAKESPEARE.read_text(encoding="utf-8"))


@functools.cache
def raw_bytes() -> HuggingFaceTokenizer:
    """Byte-level BPE that has learnt no merge: 256 tokens, each id the value of its byte."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    vocab = {CHARACTER_OF[byte]: byte for byte in range(256)}
    specification = {
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    }
    return HuggingFaceTokenizer(json.dumps(specification))


@functools.cache
def _gpt2() -> GPT2Tokenizer:
    return GPT2Tokenizer()
