"""Token embeddings: words as vectors, how alike they are, neighbours, pairs and analogies."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.model import GPT
from gptviz.quoting import cut
from gptviz.token_counts import HARDLY_SEEN, times_seen

LONGEST_WORD = 12  # tokens: the mean of more says nothing about any of them
MOST_PAIRS = 12
QUOTED = 24  # characters of a word in a message


@dataclass(frozen=True, eq=False)
class Word:
    """What a typed word is to a model: its tokens and one vector."""

    typed: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    vector: Tensor  # (C,): the row of wte; of several tokens, the mean of their rows

    @property
    def label(self) -> str:
        """The pieces, joined by + where there are several: ·Ty + b + alt."""
        return " + ".join(self.pieces)

    @property
    def several(self) -> bool:
        """Whether it takes more than one token to write the word."""
        return len(self.ids) > 1


def word(lm: LanguageModel, typed: str) -> Word:
    """Look a word up among the token embeddings.

    A word without a space in front is also tried with one, as it stands in a sentence. The form
    with fewer tokens is taken; of two equal ones, the one with the space. Raises ValueError if
    nothing is typed, if the vocabulary cannot write the word, and for more than 12 tokens.
    """
    if not typed.strip():
        raise ValueError("there is no word to look up; type one")
    forms = [typed] if typed[0].isspace() else [f" {typed}", typed]
    ids = min(_writings(lm, forms), key=len)
    if not 0 < len(ids) <= LONGEST_WORD:
        raise ValueError(
            f"“{cut(typed, QUOTED)}” has {len(ids)} tokens; type a word that has from 1 to "
            f"{LONGEST_WORD}"
        )
    pieces = tuple(lm.tokenizer.pieces(ids))
    return Word(typed, tuple(ids), pieces, lm.model.wte.weight[ids].mean(0))


def token_word(lm: LanguageModel, token: int) -> Word:
    """One token as a word. Raises IndexError for an id that the model does not have."""
    (piece,) = lm.tokenizer.pieces([token])
    return Word(piece, (token,), (piece,), lm.model.wte.weight[token])


def cosine_similarity(x: Tensor, y: Tensor) -> Tensor:
    """The cosine of the angle between each row of x (N, C) and each of y (M, C): (N, M).

    1 means the same direction, 0 a right angle, −1 opposite. A vector of zeros has no
    direction: its cosines are NaN.
    """
    return (_unit(x) @ _unit(y).T).clamp(-1, 1)


def require_direction(cosines: "np.ndarray | pd.Series") -> None:
    """Raise ValueError where no vector has a direction, so that there is no cosine to show."""
    if np.isnan(cosines).all():
        raise ValueError(
            "all of these vectors are 0, and without a length none has a direction to compare; "
            "choose another model, or a later step of this one"
        )


def similarity_table(cosines: np.ndarray, tokens: Sequence[str]) -> pd.DataFrame:
    """One row a pair of tokens, the earlier first: positions, pieces and cosine."""
    first, second = np.triu_indices(len(tokens), 1)
    pieces = np.array(tokens, dtype=object)
    return pd.DataFrame(
        {
            "position": first,
            "token": pieces[first],
            "other_position": second,
            "other_token": pieces[second],
            "cosine": cosines[first, second],
        }
    )


def nearest(
    lm: LanguageModel, vector: Tensor, n: int = 10, without: Collection[int] = ()
) -> pd.DataFrame:
    """The n tokens of the whole vocabulary whose embeddings point most nearly the same way.

    Columns: token (visible piece), id, cosine; and where it is known, seen (how often the
    training text holds it) and hardly_seen. `without` leaves ids out.
    """
    cosines = vocabulary_cosines(lm, vector[None])[0]
    cosines[list(without)] = -torch.inf
    top = cosines.topk(min(n, len(cosines)))
    kept = top.values > -torch.inf
    table = token_table(lm, top.indices[kept].tolist())
    table.insert(2, "cosine", top.values[kept].numpy())
    return table


def token_table(lm: LanguageModel, ids: Sequence[int]) -> pd.DataFrame:
    """Tokens with their ids; and where it is known, how often the training text holds them."""
    table = pd.DataFrame({"token": lm.tokenizer.pieces(ids), "id": list(ids)})
    seen = times_seen(lm)
    if seen is not None:
        table["seen"] = seen[list(ids)]
        table["hardly_seen"] = table["seen"] < HARDLY_SEEN
    return table


def seen_least(lm: LanguageModel, word: Word) -> int | None:
    """How often the training text holds the rarest token of a word, or None if unknown."""
    seen = times_seen(lm)
    return None if seen is None else int(seen[list(word.ids)].min())


def vocabulary_cosines(lm: LanguageModel, vectors: Tensor) -> Tensor:
    """The cosine of each vector (N, C) with every token embedding, (N, V).

    −inf for an embedding or a vector of zeros, which is near to nothing.
    """
    cosines = (_unit(vectors) @ lm.model.wte.weight.T / _lengths(lm.model)).clamp(-1, 1)
    return cosines.masked_fill(cosines.isnan(), -torch.inf)


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """The pairs in a list such as "king–queen, love–hate"; a hyphen does for the dash.

    Raises ValueError for a part that is not a pair, and for more than 12.
    """
    parts = [part for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("there is no pair of words; type one, such as king–queen")
    if len(parts) > MOST_PAIRS:
        raise ValueError(f"{len(parts)} pairs are too many for one picture; keep {MOST_PAIRS}")
    pairs = []
    for part in parts:
        dash = "[–—]" if re.search("[–—]", part) else "-"
        words = [word.strip() for word in re.split(dash, part)]
        if len(words) != 2 or not all(words):
            raise ValueError(
                f"“{cut(part.strip(), QUOTED)}” is not a pair; write two words as king–queen"
            )
        pairs.append((words[0], words[1]))
    return pairs


def pair_table(lm: LanguageModel, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """How alike the words of each pair are.

    Columns: pair and tokens (both words, as typed and as the model reads them), cosine, rank
    (1 where no token of the vocabulary lies nearer to the first word than the second does; the
    two words' own tokens do not count), and where it is known, seen (of the rarest token of
    both) and hardly_seen. Raises ValueError as `word` does.
    """
    words = [(word(lm, first), word(lm, second)) for first, second in pairs]
    cosines = vocabulary_cosines(lm, torch.stack([first.vector for first, _ in words]))
    rows = []
    for (first, second), row in zip(words, cosines, strict=True):
        cosine = float(cosine_similarity(first.vector[None], second.vector[None]))
        row[[*first.ids, *second.ids]] = -torch.inf
        label = f"{first.label} – {second.label}"
        rows.append(
            (f"{first.typed} – {second.typed}", label, cosine, 1 + int((row > cosine).sum()))
        )
    table = pd.DataFrame(rows, columns=["pair", "tokens", "cosine", "rank"])
    seen = times_seen(lm)
    if seen is not None:
        table["seen"] = [int(seen[[*a.ids, *b.ids]].min()) for a, b in words]
        table["hardly_seen"] = table["seen"] < HARDLY_SEEN
    return table


def analogy(lm: LanguageModel, a: str, b: str, c: str, n: int = 10) -> pd.DataFrame:
    """The n tokens nearest to a − b + c, without the tokens of the three words themselves.

    Each vector is scaled to length 1 first (Mikolov et al., 2013, Linguistic Regularities in
    Continuous Space Word Representations). Columns as of `nearest`. Raises ValueError as `word`
    does.
    """
    words = [word(lm, typed) for typed in (a, b, c)]
    own = {token for each in words for token in each.ids}
    return nearest(lm, analogy_vector(*words), n, without=own)


def analogy_vector(a: Word, b: Word, c: Word) -> Tensor:
    """a − b + c, (C,), each vector scaled to length 1 first.

    The answer to an analogy is the token nearest to it, without the tokens of the three words
    (Mikolov et al., 2013, Linguistic Regularities in Continuous Space Word Representations).
    """
    return _unit(a.vector) - _unit(b.vector) + _unit(c.vector)


def _writings(lm: LanguageModel, forms: Sequence[str]) -> list[list[int]]:
    # A vocabulary of characters may lack the space and have every letter of the word.
    found, refusals = [], []
    for form in forms:
        try:
            found.append(lm.tokenizer.encode(form))
        except ValueError as refusal:
            refusals.append(refusal)
    if not found:
        raise refusals[-1]
    return found


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


_LENGTHS: WeakKeyDictionary[GPT, Tensor] = WeakKeyDictionary()


def _lengths(model: GPT) -> Tensor:
    # A second pass over the whole table for each look-up would double its time.
    found = _LENGTHS.get(model)
    if found is None:
        found = _LENGTHS[model] = model.wte.weight.norm(dim=-1)
    return found
