"""One token's vector on its way through the layers, and how its context moves it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from gptviz.activations import Trace
from gptviz.config import GPTConfig
from gptviz.language_model import LanguageModel

# Tried in this order as a second text; the first that shares a token with the prompt is taken.
OTHER_TEXTS = (
    "The king is dead, and that is all.",
    "I love thee not, therefore pursue me not.",
    "What is the matter with my lord?",
    "He came to the house at two, or three.",
)


def stage_names(config: GPTConfig) -> list[str]:
    """Where the vector of a token can be read: wte, with position embed, after each block h.i."""
    return ["wte", *config.stream]


@dataclass(frozen=True, eq=False)
class Drift:
    """How far the vector of one token has turned at each stage, in two contexts; all cosines."""

    stages: list[str]
    from_start: np.ndarray  # (2, stages): with the token's own embedding, in each context
    between: np.ndarray  # (stages,): of the two contexts with each other
    others: np.ndarray  # (stages,): of the first with all other tokens of the second, the mean


def drift(config: GPTConfig, first: Trace, second: Trace, i: int, j: int) -> Drift:
    """Follow position i of the first trace and position j of the second, which hold one token.

    `others` tells how much likeness has nothing to do with meaning: after some layers all vectors
    of a model may share one direction. It is NaN where the second text has no other token.
    Raises ValueError if the tokens differ.
    """
    if first.ids[i] != second.ids[j]:
        raise ValueError(
            f"position {i} of the first text holds {first.tokens[i]} and position {j} of the "
            f"second {second.tokens[j]}; choose positions that hold the same token"
        )
    stages = stage_names(config)
    a = torch.stack([first[stage][i] for stage in stages])  # (stages, C)
    b = torch.stack([second[stage][j] for stage in stages])
    start = a[0]
    from_start = torch.stack([_cosines(a, start), _cosines(b, start)])
    unlike = torch.tensor(second.ids) != first.ids[i]
    others = torch.stack(
        [_cosines(second[stage][unlike], a[k]).mean() for k, stage in enumerate(stages)]
    )
    return Drift(stages, from_start.numpy(), _cosines(a, b).numpy(), others.numpy())


def drift_table(way: Drift) -> pd.DataFrame:
    """One row a stage: with its own embedding in the first and second text, and between both."""
    return pd.DataFrame(
        {
            "stage": way.stages,
            "first_with_embedding": way.from_start[0],
            "second_with_embedding": way.from_start[1],
            "first_with_second": way.between,
            "first_with_other_tokens": way.others,
        }
    )


def shared_positions(first: Sequence[int], second: Sequence[int]) -> dict[int, int]:
    """For each token of two texts: its last position in the first → its last in the second.

    In the order of the first text; empty where the texts share no token.
    """
    last_in_first = {token: i for i, token in enumerate(first)}
    last_in_second = {token: j for j, token in enumerate(second)}
    shared = {
        i: last_in_second[token] for token, i in last_in_first.items() if token in last_in_second
    }
    return dict(sorted(shared.items()))


def alike_but_for_spaces(first: Sequence[str], second: Sequence[str]) -> tuple[str, str] | None:
    """A piece of each of two texts that differ in nothing but spaces, or None: that and ·that."""
    bare = {piece.strip("·"): piece for piece in first if piece.strip("·")}
    for piece in second:
        if piece.strip("·") in bare:
            return bare[piece.strip("·")], piece
    return None


def other_text(lm: LanguageModel, prompt: str, longest: int) -> str:
    """A second text of at most `longest` tokens that shares a token with the prompt.

    One at hand, or the prompt twice, or, if that is too long, the prompt itself.
    """
    ids = lm.tokenizer.encode(prompt)
    for text in (*OTHER_TEXTS, prompt + prompt):
        try:
            other = lm.tokenizer.encode(text)
        except ValueError:
            continue
        if text != prompt and len(other) <= longest and shared_positions(ids, other):
            return text
    return prompt


def _cosines(x: Tensor, y: Tensor) -> Tensor:
    return cosine_similarity(x, y, dim=-1).clamp(-1, 1)
