"""What the numbers of an MLP say, as a sentence each, by rules; plain text."""

import numpy as np
import pandas as pd

from gptviz.subjects.mlp.analysis import Neuron


def at_work(table: pd.DataFrame, layer: int, token: str) -> str:
    """How many hidden units let something through on a token, and which one most, from `units`."""
    active = int((table["pre"] > 0).sum())
    most = table.loc[table["act"].abs().idxmax()]
    return (
        f"At “{token}”, {active:,} of the {len(table):,} hidden units of layer {layer} are above 0 "
        f"({100 * active / len(table):.0f} %). Furthest from 0 is neuron {int(most['neuron'])} "
        f"({_signed(most['act'])})."
    )


def what_it_does(found: Neuron, fires: pd.DataFrame, index: int) -> str:
    """Where a unit fires on this text, and what it writes, from `neuron` and `activations`."""
    most = fires.loc[fires["act"].idxmax()]
    promoted = ", ".join(f"“{token}”" for token in found.promoted["token"][:3])
    if not most["pre"] > 0:
        return (
            f"Neuron {index} stays below 0 on every token of this text: what it stands for does "
            f"not occur here. Where it fires, it promotes {promoted}."
        )
    return (
        f"On this text, neuron {index} fires most at token {int(most['position'])}, "
        f"“{most['token']}” ({_signed(most['act'])}). Where it fires, it promotes {promoted}."
    )


def how_busy(share: np.ndarray) -> str:
    """Which layer has the largest and which the smallest share of active units, (n_layer, T)."""
    mean = share.mean(-1)
    if len(mean) == 1:
        return f"On average {100 * mean[0]:.0f} % of the hidden units are above 0."
    most, least = int(mean.argmax()), int(mean.argmin())
    return (
        f"Busiest is layer {most}: on average {100 * mean[most]:.0f} % of its hidden units are "
        f"above 0. In layer {least} it is {100 * mean[least]:.0f} %."
    )


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
