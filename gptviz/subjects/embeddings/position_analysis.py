"""Position vectors: how the places in a text resemble each other, learned beside computed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gptviz.language_model import LanguageModel
from gptviz.layers import SinusoidalPositions
from gptviz.subjects.embeddings.analysis import cosine_similarity

MOST_POSITIONS = 256  # more cells than that are too small to see


def shown_positions(lm: LanguageModel) -> range:
    """The positions of a model's context, thinned out evenly to at most 256."""
    n = lm.config.block_size
    return range(0, n, -(-n // MOST_POSITIONS))


def position_vectors(lm: LanguageModel, positions: range) -> Tensor:
    """What the model adds to a token at each of the positions, (N, C): its wpe."""
    with torch.inference_mode():
        return lm.model.wpe(torch.tensor([list(positions)], device=lm.model.wte.weight.device))[0]


def sinusoidal_vectors(lm: LanguageModel, positions: range) -> Tensor:
    """Vaswani et al.'s waves for the same positions and width, (N, C); an odd C is made even."""
    C = lm.config.n_embd
    waves = SinusoidalPositions(replace(lm.config, n_embd=C + C % 2, n_head=1))
    return waves(torch.tensor([list(positions)]))[0]


def similarity(lm: LanguageModel) -> np.ndarray:
    """The cosines of the shown positions with each other, the model's and sinusoidal, (2, N, N).

    nan for a model without position vectors, whose zeros have no direction.
    """
    positions = shown_positions(lm)
    both = (position_vectors(lm, positions), sinusoidal_vectors(lm, positions))
    return torch.stack([cosine_similarity(x, x) for x in both]).numpy()


def similarity_table(lm: LanguageModel, squares: np.ndarray) -> pd.DataFrame:
    """One row a pair of positions, the earlier first: both, and their two cosines."""
    positions = np.array(shown_positions(lm))
    first, second = np.triu_indices(len(positions))
    return pd.DataFrame(
        {
            "position": positions[first],
            "other": positions[second],
            "model": squares[0][first, second],
            "sinusoidal": squares[1][first, second],
        }
    )
