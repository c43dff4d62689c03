"""Measures of a text that a model wrote: its words, its lines, and how much it repeats itself."""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from gptviz.subjects.sampling.continuation_analysis import decoded
from gptviz.tokenizers import Tokenizer


def measures(text: str, ids: Sequence[int]) -> dict[str, float | None]:
    """Simple measures of a text and its tokens; None where there is nothing to measure.

    Words are runs of letters, digits and apostrophes, capitals or not. "2 tokens said before" is
    the share of stretches of 2 tokens that had occurred earlier in the text (1 − distinct / all,
    seq-rep-n of Welleck et al., 2020). Line lengths count characters, of lines that are not empty.
    """
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text.casefold())
    lines = [len(line) for line in text.splitlines() if line.strip()]
    return {
        "tokens": len(ids),
        "words": len(words),
        "distinct words": len(set(words)),
        "distinct words / words": len(set(words)) / len(words) if words else None,
        **{f"{n} tokens said before": repetition(ids, n) for n in (2, 3, 4)},
        "lines": len(lines),
        "mean line length": sum(lines) / len(lines) if lines else None,
        "longest line": max(lines, default=None),
    }


def measure_table(tokenizer: Tokenizer, texts: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """The measures of some texts, given as ids: one row a measure, one column a text."""
    columns = {name: measures(decoded(tokenizer, ids), ids) for name, ids in texts.items()}
    return pd.DataFrame(columns).rename_axis("measure").reset_index()


def repetition(ids: Sequence[int], n: int) -> float | None:
    """The share of stretches of n tokens that occurred earlier; None for fewer than n tokens."""
    stretches = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return 1 - len(set(stretches)) / len(stretches) if stretches else None
