"""Tokenizers: one protocol, and the classes that fulfil it."""

from gptviz.tokenizers.base import Tokenizer
from gptviz.tokenizers.characters import CharacterTokenizer
from gptviz.tokenizers.gpt2 import GPT2Tokenizer

__all__ = ["CharacterTokenizer", "GPT2Tokenizer", "Tokenizer"]
