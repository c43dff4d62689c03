"""Tokenizers: one protocol and three that fulfil it; files, baselines, and merges replayed."""

from gptviz.tokenizers.base import Tokenizer
from gptviz.tokenizers.baselines import compared_with
from gptviz.tokenizers.characters import CharacterTokenizer
from gptviz.tokenizers.files import load
from gptviz.tokenizers.gpt2 import GPT2Tokenizer
from gptviz.tokenizers.huggingface import HuggingFaceTokenizer
from gptviz.tokenizers.merges import MergeStep, merge_steps, split_words
from gptviz.tokenizers.visible import visible

__all__ = [
    "CharacterTokenizer",
    "GPT2Tokenizer",
    "HuggingFaceTokenizer",
    "MergeStep",
    "Tokenizer",
    "compared_with",
    "load",
    "merge_steps",
    "split_words",
    "visible",
]
