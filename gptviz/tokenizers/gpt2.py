"""GPT-2's own vocabulary: 256 bytes, 50,000 merges and the end of a text (Radford et al., 2019)."""

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import tiktoken
from tokenizers.pre_tokenizers import ByteLevel

from gptviz.tokenizers.base import Tokenizer, no_such_id, require_characters
from gptviz.tokenizers.byte_level import unspell

DATA = Path(__file__).parent.parent / "data" / "gpt2"
# SHA-256 of the published files, by the name under which OpenAI published them; tiktoken pins
# the same. Hugging Face's names for the same bytes are vocab.json and merges.txt.
HASHES = {
    "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
}
END_OF_TEXT = "<|endoftext|>"
# The published pattern, with possessive repeats where they cannot change the result.
PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"

# Makes the same cuts as the pattern does in tiktoken, which keeps them to itself.
_CUT = ByteLevel(add_prefix_space=False)
_WHITE_SPACE = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_LONG_GAP = re.compile(rf"(?<![{_WHITE_SPACE}])[{_WHITE_SPACE}]{{10000,}}+")


class GPT2Tokenizer(Tokenizer):
    """Byte-level BPE with the vocabulary that GPT-2 was trained on; it can write any text."""

    name = "GPT-2 BPE"

    def __init__(self) -> None:
        self._encoding = _encoding()

    @property
    def vocab_size(self) -> int:
        """50,257."""
        return self._encoding.n_vocab

    @property
    def end_of_text(self) -> int:
        """50256, which stands between the documents that GPT-2 was trained on."""
        return self._encoding.eot_token

    def encode(self, text: str) -> list[int]:
        """The ids of a text. Raises ValueError for a lone surrogate, and for nothing else."""
        require_characters(text)
        return list(chain.from_iterable(map(self._encoding.encode_ordinary, digestible(text))))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, with � for what is no valid UTF-8. Raises ValueError for no such id."""
        return b"".join(map(self.token_bytes, ids)).decode(errors="replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes that one id stands for. Raises ValueError for no such id."""
        if not 0 <= token < self.vocab_size:
            raise no_such_id(token, self.vocab_size)
        return self._encoding.decode_single_token_bytes(token)

    @property
    def special_tokens(self) -> Mapping[int, str]:
        """The one token that is no text: the end of one."""
        return {self.end_of_text: END_OF_TEXT}

    @property
    def merge_ranks(self) -> Mapping[tuple[bytes, bytes], int]:
        """The 50,000 merges in the order in which they were learnt."""
        return _merge_ranks()

    def words(self, text: str) -> list[str]:
        """A word with the space before it, a number, a run of signs or a gap; no merge crosses."""
        require_characters(text)
        return [text[start:end] for _, (start, end) in _CUT.pre_tokenize_str(text)]

    def save(self, folder: Path) -> None:
        """Write vocab.json and merges.txt, GPT-2's files under Hugging Face's names."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vocab.json").write_bytes(_published("encoder.json"))
        (folder / "merges.txt").write_bytes(_published("vocab.bpe"))


def _published(name: str) -> bytes:
    data = (DATA / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != HASHES[name]:
        raise ValueError(
            f"{DATA / name} differs from the file that OpenAI published; install gptviz anew"
        )
    return data


@functools.cache
def _encoding() -> tiktoken.Encoding:
    # tiktoken's own loader would copy the files into a folder for temporary files and trust what
    # lies there; the hash and the spelling of bytes are all that it adds, and both are here.
    ids = json.loads(_published("encoder.json"))
    special = {END_OF_TEXT: ids.pop(END_OF_TEXT)}
    # A token's id is the rank of the merge that makes it: ids and ranks are in the same order.
    ranks = {unspell(spelling): token for spelling, token in ids.items()}
    return tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens=special)


@functools.cache
def _merge_ranks() -> Mapping[tuple[bytes, bytes], int]:
    _, *merges, _ = _published("vocab.bpe").decode().split("\n")  # a version, the merges, an end
    pairs = (merge.split(" ") for merge in merges)
    return {(unspell(a), unspell(b)): rank for rank, (a, b) in enumerate(pairs)}


def digestible(text: str) -> Iterator[str]:
    """The text, cut before the last character of each very long gap.

    The pattern ends a piece there in any case, and its look-ahead overflows the stack of
    tiktoken's regular expressions in a gap of several hundred thousand characters.
    """
    start = 0
    for gap in _LONG_GAP.finditer(text):
        if gap.end() < len(text):
            yield text[start : gap.end() - 1]
            start = gap.end() - 1
    yield text[start:]
