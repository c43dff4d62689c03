"""The same text written with a key/value cache and without one, and the time of each token."""

import time
from collections.abc import Callable
from dataclasses import asdict

import pandas as pd

from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings

Progress = Callable[[int, int], None]


def measured(
    lm: LanguageModel,
    ids: tuple[int, ...],
    settings: SamplingSettings,
    length: int,
    seed: int,
    number: int = 0,  # noqa: ARG001 - look keeps each measurement by its arguments
    progress: Progress | None = None,
) -> pd.DataFrame:
    """How long each token takes, with the cache and without, on this machine and now.

    Both write with the same dice; before the clock starts, each writes two tokens, so that nothing
    is measured that happens only the first time. number tells one measurement from the next one.
    Columns: index (from 0), read (how many tokens stand before this one), with_cache and
    without_cache (seconds), id and id_without_cache (the token that each wrote).
    """
    columns: dict[str, list[float]] = {}
    written: dict[str, list[int]] = {}
    for i, use_cache in enumerate((True, False)):
        how = {**asdict(settings), "seed": seed, "use_cache": use_cache}
        for _ in lm.generate(ids, 2, **how):
            pass
        steps = lm.generate(ids, length, **how)
        seconds, tokens = [], []
        for n in range(length):
            if progress is not None:
                progress(i * length + n, 2 * length)
            begun = time.perf_counter()
            step = next(steps, None)
            if step is None:
                break
            seconds.append(time.perf_counter() - begun)
            tokens.append(step.id)
        name = "with_cache" if use_cache else "without_cache"
        columns[name], written[name] = seconds, tokens
    n = min(map(len, written.values()))  # rounding may make one of them end earlier
    return pd.DataFrame(
        {
            "index": range(n),
            "read": range(len(ids), len(ids) + n),
            **{name: seconds[:n] for name, seconds in columns.items()},
            "id": written["with_cache"][:n],
            "id_without_cache": written["without_cache"][:n],
        }
    )
