"""Numbers about tokens: what a text is cut into, what it costs, what a vocabulary holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from weakref import WeakKeyDictionary

import pandas as pd

from gptviz.tokenizers import MergeStep, Tokenizer, split_words, visible

# One thought, written five ways.
SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "English": "The cat sleeps in the warm sun.",
        "Korean": "고양이가 따뜻한 햇볕 아래에서 잔다.",
        "Japanese": "猫は暖かい日差しの中で眠っている。",
        "Emoji": "🐱😴☀️",
        "Python": "while sun.is_warm():\n    cat.sleep()",
    }
)


def token_table(tokenizer: Tokenizer, ids: Sequence[int]) -> pd.DataFrame:
    """One row a token: position (from 0), id, piece, bytes ("EC 95 88") and characters.

    A character that is spread over several tokens counts where it begins, so that the column
    adds up to the length of the text. An id outside the vocabulary has no bytes.
    """
    data = [_bytes_or_none(tokenizer, token) for token in ids]
    return pd.DataFrame(
        {
            "position": range(len(ids)),
            "id": list(ids),
            "piece": tokenizer.pieces(ids),
            "bytes": [part.hex(" ").upper() for part in data],
            "characters": [_characters_begun(part) for part in data],
        }
    )


def characters_per_token(text: str, ids: Sequence[int]) -> float:
    """How many characters (Unicode code points) one token carries on average.

    Raises ValueError if there are no tokens.
    """
    if not ids:
        raise ValueError("there are no tokens to count characters for; type some text")
    return len(text) / len(ids)


def word_of_token(tokenizer: Tokenizer, text: str, position: int) -> str:
    """The word that holds the token at a position of the text, as it is before any merge.

    Raises ValueError if the tokenizer has no merges of bytes, and for no such position.
    """
    words = split_words(tokenizer, text)
    ids = tokenizer.encode(text)
    if not 0 <= position < len(ids):
        raise ValueError(f"there is no token at position {position}; the text has {len(ids)}")
    start = sum(len(tokenizer.token_bytes(token)) for token in ids[:position])
    end = 0
    for word in words:
        end += len(word.encode())
        if start < end:
            return word
    raise ValueError(f"token {position} belongs to no word of the text; choose another")


def side_by_side_table(tokenizers: Mapping[str, Tokenizer], text: str) -> pd.DataFrame:
    """The tokens of one text under each tokenizer that can write it: `token_table`, one by one.

    A last column, tokenizer, holds the given names. Raises ValueError if none can write it.
    """
    tables, refusals = [], []
    for name, tokenizer in tokenizers.items():
        try:
            found = token_table(tokenizer, tokenizer.encode(text))
        except ValueError as refusal:
            refusals.append(refusal)
        else:
            tables.append(found.assign(tokenizer=name))
    if not tables:
        raise refusals[-1] if refusals else ValueError("no tokenizer came; give at least one")
    return pd.concat(tables, ignore_index=True)


def merge_table(steps: Sequence[MergeStep]) -> pd.DataFrame:
    """One row a step: step, rank (missing before the first merge), merged and parts as pieces."""
    table = pd.DataFrame(
        {
            "step": range(len(steps)),
            "rank": [step.rank for step in steps],
            "merged": [visible(step.merged) if step.merged else "" for step in steps],
            "parts": [" ".join(map(visible, step.parts)) for step in steps],
        }
    )
    return table.astype({"rank": "Int64"})


def cost_table(
    tokenizers: Mapping[str, Tokenizer], sentences: Mapping[str, str] = SENTENCES
) -> pd.DataFrame:
    """What each sentence costs under each tokenizer, one row for each pair.

    Columns: sentence and tokenizer (the given names), characters (code points), bytes (UTF-8),
    tokens, characters_per_token, and problem: why a tokenizer cannot write the sentence, or "".
    With a problem, and for an empty sentence, the numbers that do not exist are missing.
    """
    rows = []
    for sentence, text in sentences.items():
        for name, tokenizer in tokenizers.items():
            tokens, problem = None, ""
            try:
                tokens = len(tokenizer.encode(text))
            except ValueError as error:
                problem = str(error)
            size = len(text.encode(errors="replace"))
            rate = len(text) / tokens if tokens else None
            rows.append((sentence, name, len(text), size, tokens, rate, problem))
    table = pd.DataFrame(
        rows,
        columns=[
            "sentence",
            "tokenizer",
            "characters",
            "bytes",
            "tokens",
            "characters_per_token",
            "problem",
        ],
    )
    return table.astype({"tokens": "Int64", "characters_per_token": "Float64"})


def search_vocabulary(tokenizer: Tokenizer, query: str, limit: int = 50) -> pd.DataFrame:
    """The tokens that match a query: columns id, piece and bytes, at most `limit` rows.

    A query matches an id, or a part of the token's text or visible piece, in capitals or not.
    Exact matches come first, then those that differ in capitals or a space in front, then
    those that begin with the query, then the rest; each group in the order of the ids. An
    empty query matches every token. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; it must be at least 1")
    if not query:
        ids = list(range(min(limit, tokenizer.vocab_size)))
    else:
        ids = _matches(_vocabulary(tokenizer), query)[:limit]
    return token_table(tokenizer, ids)[["id", "piece", "bytes"]]


def _matches(vocabulary: "_Vocabulary", query: str) -> list[int]:
    wanted = query.casefold()
    bare = wanted.removeprefix(" ")
    found = []
    rows = zip(vocabulary.pieces, vocabulary.texts, vocabulary.folded, strict=True)
    for token, (piece, text, plain) in enumerate(rows):
        if query in (piece, text, str(token)):
            found.append((0, token))
        elif wanted in plain or query in piece:
            close = plain.removeprefix(" ") == bare
            begins = plain.startswith(wanted)
            found.append((1 if close else 2 if begins else 3, token))
    return [token for _, token in sorted(found)]


@dataclass(frozen=True)
class _Vocabulary:
    pieces: list[str]
    texts: list[str]
    folded: list[str]  # the texts without the difference of capitals


# A vocabulary takes a fifth of a second to spell out, and is kept while its tokenizer lives.
_VOCABULARIES: WeakKeyDictionary[Tokenizer, _Vocabulary] = WeakKeyDictionary()


def _vocabulary(tokenizer: Tokenizer) -> _Vocabulary:
    found = _VOCABULARIES.get(tokenizer)
    if found is None:
        ids = range(tokenizer.vocab_size)
        # A part of a character becomes a sign that cannot be typed, so only its bytes find it.
        texts = [_bytes_or_none(tokenizer, i).decode(errors="surrogateescape") for i in ids]
        folded = [text.casefold() for text in texts]
        found = _VOCABULARIES[tokenizer] = _Vocabulary(tokenizer.pieces(ids), texts, folded)
    return found


def _bytes_or_none(tokenizer: Tokenizer, token: int) -> bytes:
    try:
        return tokenizer.token_bytes(token)
    except ValueError:
        return b""


def _characters_begun(data: bytes) -> int:
    return sum(not 0x80 <= byte < 0xC0 for byte in data)
