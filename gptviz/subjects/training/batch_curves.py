"""The loss and the gradient of a training on one batch, as a chart that grows without a blink."""

from collections.abc import Mapping

import pandas as pd

from gptviz.app.theme import PALETTES, Scheme
from gptviz.subjects.training.live_chart import Panel, Series, Unit, live_chart


def batch_curves(
    table: pd.DataFrame, levels: Mapping[str, float], key: str, waits: str, scheme: Scheme
) -> None:
    """Draw the columns loss and norm of a table over its column step.

    levels are losses to compare with, by what they are called; waits stands there before the
    first step.
    """
    colour, steps = PALETTES[scheme].sequential[3], table["step"].to_numpy(float)

    def line(name: str, column: str) -> Series:
        there = table[column].notna().to_numpy()
        return Series(name, steps[there], table[column].to_numpy(float)[there], colour)

    panels = [
        Panel(
            "Loss", [line("loss", "loss")], [Unit("nats a token")], dict(levels), logarithmic=True
        ),
        Panel("Gradient norm", [line("gradient norm", "norm")], []),
    ]
    alt = (
        f"Loss over {len(table)} steps, from {table['loss'].iloc[0]:.2f} to "
        f"{table['loss'].iloc[-1]:.2f} nats a token, and the gradient norm beside it."
        if len(table)
        else "The curve of a training on one batch that has not begun."
    )
    live_chart(panels, key=key, alt=alt, waits=waits)
