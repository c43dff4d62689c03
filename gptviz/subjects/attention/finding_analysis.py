"""Which heads look where: of all heads, the one that looks most at each of a few places.

A place is where tokens can look: the token before, the end of a sentence … How much a head looks
there is the mean weight of the rows that have such a place to look at, so a number from 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from gptviz.activations import Trace
from gptviz.subjects.attention.analysis import (
    induction,
    patterns,
    per_head,
    to_first,
    to_previous,
)

SENTENCE_ENDS = ".!?…。！？"
CLOSING = "\"'”’»)]"  # what may stand behind the end of a sentence in one token
SPACES = "·⏎"  # as pieces show them
FURTHER_BACK = "further back"


def further_back(pattern: Tensor) -> Tensor:
    """The largest weight on one token that lies further back than the one before, (…, T).

    Token 0 does not count, for heads rest there that find nothing, nor do the token itself and
    the one just before it. Not-a-number in rows 0 to 2, which see no other.
    """
    T = pattern.size(-1)
    keys = torch.ones(T, T, dtype=torch.bool, device=pattern.device).tril(-2)
    keys[:, 0] = False
    largest = (pattern * keys).amax(-1)
    return largest.masked_fill(~keys.any(-1), torch.nan)


def same_token(pattern: Tensor, ids: Sequence[int]) -> Tensor:
    """The weight on earlier copies of the row's own token, (…, T): a "duplicate token head".

    After Wang et al. (2022, Interpretability in the Wild). This is not `induction`, which is
    about the token that followed the copy. Not-a-number for a token that did not occur before.
    """
    token = torch.tensor(ids, device=pattern.device)
    return _weight_on(pattern, (token.unsqueeze(1) == token).tril(-1))


def sentence_end(pattern: Tensor, tokens: Sequence[str]) -> Tensor:
    """The weight on earlier tokens that end a sentence (. ! ? and their like), (…, T).

    Not-a-number in rows before which no sentence ends.
    """
    ends = torch.tensor([ends_a_sentence(piece) for piece in tokens], device=pattern.device)
    return _weight_on(pattern, ends.expand(len(tokens), -1).tril(-1))


def ends_a_sentence(piece: str) -> bool:
    """Whether a token, as it is shown, ends in a full stop or its like, perhaps with quotes."""
    return piece.strip(SPACES).rstrip(CLOSING).endswith(tuple(SENTENCE_ENDS))


def places(pattern: Tensor, ids: Sequence[int], tokens: Sequence[str]) -> dict[str, Tensor]:
    """How much each head looks at each place, by the place's name: (n_layer, H) each.

    The mean over the rows that have such a place; "further back" is of the last token alone,
    whose vector becomes the next one. Not-a-number where the text has no such place.
    """
    rows = {
        "previous token": to_previous(pattern),
        "first token": to_first(pattern),
        "same token": same_token(pattern, ids),
        "induction": induction(pattern, ids),
        "sentence end": sentence_end(pattern, tokens),
    }
    far = further_back(pattern)[..., -1]
    return {FURTHER_BACK: far} | {name: per_head(values) for name, values in rows.items()}


def looks_everywhere_alike(T: int) -> Tensor:
    """The pattern (T, T) of a head that gives all tokens it can see the same weight."""
    return torch.ones(T, T).tril() / torch.arange(1, T + 1).unsqueeze(1)


@dataclass(frozen=True)
class Found:
    """Of all heads, the one that looks most at a place."""

    layer: int
    head: int
    score: float  # the share of its attention that falls there, 0 to 1
    alike: float  # the share that would fall there if it looked everywhere alike


def find_heads(trace: Trace) -> Mapping[str, Found | None]:
    """The head that looks most at each place, by the place's name; the first one among equals.

    None where the text has no such place, or no head has a number for it.
    """
    pattern = patterns(trace)
    alike = places(looks_everywhere_alike(len(trace.ids)), trace.ids, trace.tokens)
    scores = places(pattern, trace.ids, trace.tokens)
    found = {name: _largest(scores[name], float(alike[name])) for name in scores}
    return MappingProxyType(found)


def opening_head(trace: Trace, layer: int | None = None, head: int | None = None) -> Found | None:
    """The head with the most to tell about a text: it opens, where none is chosen.

    It looks most at one token further back from the last token, the one that the next token is
    predicted from (see `further_back`). With a layer or a head, only among those. None where
    the last token has nothing further back.
    """
    scores = further_back(patterns(trace))[..., -1]  # (n_layer, H)
    allowed = torch.zeros_like(scores, dtype=torch.bool)
    allowed[slice(None) if layer is None else layer, slice(None) if head is None else head] = True
    alike = float(further_back(looks_everywhere_alike(len(trace.ids)))[-1])
    return _largest(scores.masked_fill(~allowed, torch.nan), alike)


@dataclass(frozen=True)
class Look:
    """Where one token looks most."""

    key: int
    weight: float
    followed: bool  # whether this key stands right after an earlier copy of the token


def furthest_look(pattern: Tensor, ids: Sequence[int], query: int) -> Look | None:
    """Where a token looks most in one pattern (T, T), if it may only look further back.

    As `further_back` counts it. None for tokens 0 to 2, and where the weights are not numbers.
    """
    weights = pattern[query, 1 : max(1, query - 1)]
    if not len(weights) or not weights.isfinite().all():
        return None
    key = 1 + int(weights.argmax())
    return Look(key, float(pattern[query, key]), ids[key - 1] == ids[query])


def _weight_on(pattern: Tensor, keys: Tensor) -> Tensor:
    """The weight that each row gives to its own keys (T, T), (…, T); NaN where it has none."""
    return (pattern * keys).sum(-1).masked_fill(~keys.any(-1), torch.nan)


def _largest(scores: Tensor, alike: float) -> Found | None:
    if scores.isnan().all():
        return None
    layer, head = divmod(int(scores.nan_to_num(-1.0).argmax()), scores.size(-1))
    return Found(layer, head, float(scores[layer, head]), alike)
