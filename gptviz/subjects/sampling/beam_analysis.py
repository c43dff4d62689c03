"""A beam search as tables: its tree, token by token, and the texts that it found."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from gptviz.beam_search import BeamSearch
from gptviz.language_model import LanguageModel
from gptviz.subjects.sampling.continuation_analysis import decoded

Progress = Callable[[int, int], None]


def search(
    lm: LanguageModel,
    ids: tuple[int, ...],
    length: int,
    beams: int,
    no_repeat_ngram_size: int = 0,
    progress: Progress | None = None,
) -> BeamSearch:
    """What a search finds after these ids; `LanguageModel.beam_search` explains it."""
    return lm.beam_search(
        ids, length, beams, no_repeat_ngram_size=no_repeat_ngram_size, progress=progress
    )


def tree_table(lm: LanguageModel, found: BeamSearch) -> pd.DataFrame:
    """Every token that was kept, a row each, step by step.

    Columns: step (from 1), place (from 0, the likeliest first), parent (the place of the token
    before; 0 for the prompt), token (piece), id, log_probability (nats, of this token), total
    (nats, of all tokens up to here), rank (from 1: of the best text that goes through it; 0 where
    none does), ended (whether the text ends with it).
    """
    ranks = [[0] * len(step) for step in found.steps]
    for rank, text in reversed(list(enumerate(found.hypotheses, 1))):
        for step, place in enumerate(text.places):
            ranks[step][place] = rank
    rows = [
        {
            "step": n,
            "place": place,
            "parent": kept.parent,
            "token": lm.tokenizer.pieces([kept.id])[0],
            "id": kept.id,
            "log_probability": kept.log_probability,
            "total": kept.total,
            "rank": ranks[n - 1][place],
            "ended": kept.ended,
        }
        for n, step in enumerate(found.steps, 1)
        for place, kept in enumerate(step)
    ]
    return pd.DataFrame(rows)


def found_table(lm: LanguageModel, found: BeamSearch) -> pd.DataFrame:
    """The texts that were found, the best first.

    Columns: rank (from 1), text, tokens, sum and mean of the log-probabilities (nats), perplexity.
    """
    rows = [
        {
            "rank": rank,
            "text": decoded(lm.tokenizer, text.ids),
            "tokens": len(text.ids),
            **likelihood(text.log_probability, len(text.ids)),
        }
        for rank, text in enumerate(found.hypotheses, 1)
    ]
    return pd.DataFrame(rows)


def likelihood(total: float, tokens: int) -> dict[str, float]:
    """Three ways to say how likely a text is: sum and mean of ln p, and e to the mean of −ln p."""
    with np.errstate(over="ignore"):  # beyond all floats, it is infinite
        perplexity = float(np.exp(-total / tokens))
    return {"sum": total, "mean": total / tokens, "perplexity": perplexity}


def lanes(parents: Sequence[Sequence[int]]) -> list[list[int]]:
    """A lane for each token of a tree, so that a branch goes straight on as far as it can.

    parents holds, step by step, the place of each token's parent in the step before. A token
    stays in its parent's lane if its branch is the one that gets farthest; the others take the
    free lanes nearest to it.
    """
    lasts = [[step] * len(places) for step, places in enumerate(parents)]
    for step in range(len(parents) - 1, 0, -1):
        for place, parent in enumerate(parents[step]):
            lasts[step - 1][parent] = max(lasts[step - 1][parent], lasts[step][place])
    found: list[list[int]] = []
    for step, own in enumerate(parents):
        before = found[-1] if found else [0]
        origin = [before[parent] if found else 0 for parent in own]
        chosen: dict[int, int] = {}
        for place in sorted(range(len(own)), key=lambda place: (-lasts[step][place], place)):
            taken = chosen.values()
            free = (lane for lane in range(len(own) + max(origin)) if lane not in taken)
            chosen[place] = min(free, key=lambda lane: (abs(lane - origin[place]), lane))
        found.append([chosen[place] for place in range(len(own))])
    return found
