"""The curves of runs that show a symptom, beside those of runs that do not."""

from collections.abc import Sequence

import pandas as pd

from gptviz.jobs import presets, shipping
from gptviz.jobs.failures import FAILURES
from gptviz.runs.curves import SMOOTHING, smooth, thin
from gptviz.training.record import metrics


def curves(failures: Sequence[str]) -> pd.DataFrame:
    """The smoothed training loss of runs of the failure gallery and of those that go well.

    Only what ships with gptviz is read; an entry that does not ship is left out. Columns: run
    (its title), step, loss in nats a token; at most some hundred steps of each run.
    """
    gallery, tables = shipping.gallery(), {}
    for failure in FAILURES:
        if failure.preset.name not in failures:
            continue
        for preset in (failure.preset, failure.baseline):
            run = presets.latest(gallery, preset)
            if run is None or preset.title in tables:
                continue
            course = metrics.read(run.folder)
            steps, losses = thin(course["step"], smooth(course["train_loss"], SMOOTHING))
            tables[preset.title] = pd.DataFrame(
                {"run": preset.title, "step": steps.astype(int), "loss": losses}
            )
    columns = ["run", "step", "loss"]
    return (
        pd.concat(tables.values(), ignore_index=True) if tables else pd.DataFrame(columns=columns)
    )
