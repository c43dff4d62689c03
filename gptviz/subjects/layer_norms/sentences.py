"""What a layer norm does to one vector, as a sentence, by rules; plain text."""

import pandas as pd

ALIKE = 1.05  # times as wide or as narrow: less is no difference to speak of


def spread(moments: pd.DataFrame, token: str) -> str:
    """How far a vector's numbers lie around their mean before and after, from `by_hand`."""
    deviations = moments.set_index("step")["variance"] ** 0.5
    before, after = float(deviations["before"]), float(deviations["after"])
    told = (
        f"Before this norm the numbers of “{token}” lie {before:.3g} around their mean, "
        f"and after it {after:.3g} (one standard deviation)"
    )
    if not before or not after:
        return f"{told}."
    if max(before, after) < ALIKE * min(before, after):
        return f"{told}: about the same."
    times, way = (after / before, "wider") if after > before else (before / after, "narrower")
    return f"{told}: {times:.3g} times {way}."
