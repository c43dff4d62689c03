"""What the numbers of a series say, as a sentence each, by rules; plain text."""

from collections.abc import Sequence

import pandas as pd

ALIKE = 0.05  # bits a byte: less may be chance


def of_stage(bits: Sequence[float], at: int) -> str:
    """What a stage reaches, beside the one before it; bits a byte of all stages, NaN if unknown."""
    own = bits[at]
    if own != own:
        return "It has no validation loss yet."
    reached = f"It reaches {own:.3f} bits a byte"
    before = bits[at - 1] if at else float("nan")
    if before != before:
        return f"{reached}."
    change = own - before
    if abs(change) < ALIKE:
        return f"{reached}, and the stage before {before:.3f}: so close that it may be chance."
    way = "lower: it helps" if change < 0 else "higher: here it does not help"
    return f"{reached}, and the stage before {before:.3f}. That is {abs(change):.3f} {way}."


def of_stages(titles: Sequence[str], bits: Sequence[float]) -> str:
    """From where to where the stages come, and which one brought most; "" for fewer than two."""
    known = [i for i, value in enumerate(bits) if value == value]
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    steps = {i: bits[i] - bits[i - 1] for i in known[1:] if i - 1 in known}
    told = (
        f"From “{titles[first]}” with {bits[first]:.3f} to “{titles[last]}” with "
        f"{bits[last]:.3f} bits a byte."
    )
    if not steps or min(steps.values()) >= 0:
        return told
    best = min(steps, key=lambda i: steps[i])
    return f"{told} The largest step down is “{titles[best]}”: {abs(steps[best]):.3f}."


def of_sizes(table: pd.DataFrame) -> str:
    """How much the shapes of `analysis.sizes` have in common."""
    blocks, whole = table["of blocks"], table["MB"]
    first = table.iloc[0]
    return (
        f"{first['blocks']} × {first['width']} is {first['blocks']} blocks of width "
        f"{first['width']}. Their blocks have {blocks.min():,} to {blocks.max():,} parameters, the "
        f"whole models take {whole.min():.1f} to {whole.max():.1f} MB."
    )


def of_times(table: pd.DataFrame) -> str:
    """Which shape is quickest and which slowest, from `analysis.forward_times`."""
    quick, slow = (table.loc[at] for at in table["milliseconds"].agg(["idxmin", "idxmax"]))
    return (
        f"Here “{quick['shape']}” reads {quick['tokens']} tokens in {quick['milliseconds']:.1f} ms,"
        f" “{slow['shape']}” in {slow['milliseconds']:.1f} ms."
    )


def of_losses(titles: Sequence[str], bits: Sequence[float]) -> str:
    """Which shape reached the lowest loss, and whether that is more than chance; "" without two."""
    known = sorted(
        (value, title) for title, value in zip(titles, bits, strict=True) if value == value
    )
    if len(known) < 2:
        return ""
    (best, first), (worst, last) = known[0], known[-1]
    if worst - best < ALIKE:
        return f"All end within {worst - best:.3f} bits a byte: so close that it may be chance."
    return (
        f"Of those that are trained, “{first}” ends lowest with {best:.3f} bits a byte, “{last}” "
        f"highest with {worst:.3f}."
    )
