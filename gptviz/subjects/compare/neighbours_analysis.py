"""The neighbours of one word among the token embeddings of two models."""

import math
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.subjects.compare.analysis import vocabularies
from gptviz.subjects.embeddings.analysis import Word, vocabulary_cosines, word

NEIGHBOURS = 8  # tokens nearest to a word on either side


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The tokens nearest to a word on either side."""

    left: Word
    right: Word
    table: pd.DataFrame  # see `neighbours`
    of_each: int  # how many neighbours were taken on each side
    shared: int  # of these, how many are the same on both sides
    unknown: tuple[int, int]  # of each side's, how many the other model does not have


def neighbours(
    left: LanguageModel, right: LanguageModel, typed: str, n: int = NEIGHBOURS
) -> Neighbours:
    """The n tokens of either vocabulary whose embeddings point most nearly the same way as a word.

    Each model looks the word up by itself, as `embeddings.word` does; cosines are between vectors
    of one model only. The table has a row for each neighbour of either side, those of the left
    first: token, left and right (cosines), left_rank and right_rank (1 is the nearest) and
    difference (right less left); NaN where a model does not have the token, or where it is part
    of the word itself. Raises ValueError in words as `embeddings.word` does.
    """
    words = vocabularies(left, right)
    one, two = word(left, typed), word(right, typed)
    joined = words.joined(_cosines(left, one), _cosines(right, two), missing=-math.inf)
    nearest = [_nearest(x, n) for x in joined]
    rows = list(dict.fromkeys(nearest[0] + nearest[1]))
    columns: dict[str, object] = {"token": [words.pieces[i] for i in rows]}
    for side, own in zip(("left", "right"), joined, strict=True):
        at = own[rows].double()
        rank = 1 + (own > own[rows][:, None]).sum(-1)
        columns[side] = at.masked_fill(at.isinf(), math.nan).numpy()
        columns[f"{side}_rank"] = pd.Series(rank.numpy(), dtype="Int64").mask(at.isinf().numpy())
    table = pd.DataFrame(columns)
    table["difference"] = table["right"] - table["left"]
    known = words.shared.numpy()
    return Neighbours(
        one,
        two,
        table=table,
        of_each=max(map(len, nearest)),
        shared=len(set(nearest[0]) & set(nearest[1])),
        unknown=(int((~known[nearest[0]]).sum()), int((~known[nearest[1]]).sum())),
    )


def _cosines(lm: LanguageModel, own: Word) -> Tensor:
    found = vocabulary_cosines(lm, own.vector[None])[0].cpu()
    found[list(own.ids)] = -torch.inf
    return found


def _nearest(cosines: Tensor, n: int) -> list[int]:
    top = cosines.topk(min(n, len(cosines)))
    return [int(i) for i, value in zip(top.indices, top.values, strict=True) if value > -torch.inf]
