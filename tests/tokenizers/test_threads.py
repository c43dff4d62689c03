from concurrent.futures import ThreadPoolExecutor

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, HuggingFaceTokenizer
from gptviz.tokenizers.byte_level import CHARACTER_OF


def byte_level() -> HuggingFaceTokenizer:
    library = Tokenizer(models.BPE({c: byte for byte, c in CHARACTER_OF.items()}, []))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return HuggingFaceTokenizer(library.to_str())


TEXTS = [f"thread {i} says {'na' * i} <|endoftext|> 안녕 {i * i}" for i in range(64)]


@pytest.mark.parametrize(
    "tokenizer",
    [GPT2Tokenizer(), byte_level(), CharacterTokenizer.from_text("".join(TEXTS))],
    ids=["GPT-2", "byte-level", "characters"],
)
def test_threads_share_a_tokenizer_without_mixing_their_texts(tokenizer):
    expected = [tokenizer.encode(text) for text in TEXTS]
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(tokenizer.encode, TEXTS * 4))
        texts = list(threads.map(tokenizer.decode, ids))
        pieces = list(threads.map(tokenizer.pieces, ids))
    assert ids == expected * 4
    assert texts == TEXTS * 4
    assert pieces == [tokenizer.pieces(each) for each in expected] * 4
