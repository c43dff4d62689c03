"""The curves of runs that show a symptom, beside those of runs that do not."""

from collections.abc import Mapping, Sequence

import pandas as pd

from gptviz.jobs import presets, shipping
from gptviz.jobs.failures import FAILURES
from gptviz.runs import Run
from gptviz.runs.compare import shared_baselines
from gptviz.runs.curves import BASELINES, SMOOTHING, smooth, thin
from gptviz.training.record import metrics


def curves(failures: Sequence[str]) -> pd.DataFrame:
    """The smoothed training loss of runs of the failure gallery and of those that go well.

    Only what ships with gptviz is read; an entry that does not ship is left out. Columns: run
    (its title), step, loss in nats a token; at most some hundred steps of each run.
    """
    tables = []
    for title, run in _runs(failures).items():
        course = metrics.read(run.folder)
        steps, losses = thin(course["step"], smooth(course["train_loss"], SMOOTHING))
        tables.append(pd.DataFrame({"run": title, "step": steps.astype(int), "loss": losses}))
    columns = ["run", "step", "loss"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def guesses(failures: Sequence[str]) -> Mapping[str, float]:
    """The losses that guesses which only count reach on the text of these runs, by their names.

    None where not all of the runs read the same text.
    """
    runs = [*_runs(failures).values()]
    found = shared_baselines(runs) if runs else {}
    return {BASELINES[key]: loss for key, loss in found.items()}


def _runs(failures: Sequence[str]) -> dict[str, Run]:
    """By their titles, those that go wrong and those that go well."""
    gallery = shipping.gallery()
    pairs = [(one.preset, one.baseline) for one in FAILURES if one.preset.name in failures]
    found = {preset.title: presets.latest(gallery, preset) for pair in pairs for preset in pair}
    return {title: run for title, run in found.items() if run}
