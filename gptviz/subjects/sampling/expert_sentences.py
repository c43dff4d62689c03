"""What to notice in a search, a ranking, a grid and a measurement; each made from its numbers."""

import math

import numpy as np
import pandas as pd

from gptviz.app.powers import fixed, large, raised
from gptviz.app.show import literal

MANY = 1e6  # from which on a factor is told as a power of ten


def of_search(found: pd.DataFrame, greedy: pd.DataFrame, beams: int) -> str:
    """Whether the search found a likelier text than greedy writing did.

    found is `beam_analysis.found_table`; greedy is that of a search with one beam, which always
    takes the likeliest token.
    """
    best, alone = float(found["sum"].iloc[0]), float(greedy["sum"].iloc[0])
    told = f"The best text has ln p = **{fixed(best, 2)}** nats"
    if beams == 1:
        return f"{told}. With 1 beam, nothing is compared: this is greedy writing."
    if found["text"].iloc[0] == greedy["text"].iloc[0]:
        # Their numbers may differ by what rounding does where several texts are read side by side.
        return f"{told}, and greedy writing finds the same one: looking ahead changed nothing here."
    if best > alone:
        return (
            f"{told}; greedy writing comes to **{fixed(alone, 2)}**. Looking ahead paid: the best "
            f"text is **{_factor(best - alone)}** times as likely, though not each of its tokens "
            "was the likeliest."
        )
    less = f"{told}, less than greedy writing's **{fixed(alone, 2)}**"
    mean, other = float(found["mean"].iloc[0]), float(greedy["mean"].iloc[0])
    if mean > other:
        return (
            f"{less}, but it is longer, and texts of different lengths are ranked by the mean of a "
            f"token: **{fixed(mean, 3)}** against **{fixed(other, 3)}**."
        )
    return f"{less}: the search gave that one up early."


def of_ranking(table: pd.DataFrame) -> str:
    """Where greedy writing stands among the sampled texts, by the mean."""
    place = 1 + int((table["written with"] == "greedy").argmax())
    drawn = table.loc[table["written with"] != "greedy", "perplexity"]
    least, most = (fixed(float(one), 2) for one in (drawn.min(), drawn.max()))
    told = f"perplexities from **{least}** to **{most}**"
    if least == most:
        told = f"a perplexity of **{least}** each"
    return (
        f"The texts that were drawn have {told}; by the mean, greedy writing stands at place "
        f"**{place}** of {len(table)}. The likeliest text need not read best: look how often it "
        "repeats itself."
    )


def of_grid(table: pd.DataFrame, by: str) -> str:
    """What the coolest cell and the boldest one of the grid have in common, and what not."""
    tame, bold = table.iloc[0], table.iloc[-1]
    limit = "top-k" if by == "top_k" else "top-p"
    if np.isnan([tame["distinct_2"], bold["distinct_2"]]).any():
        return "Texts that end after one token have no pairs: there, a dash stands in the picture."
    pairs = [f"**{cell['distinct_2']:.1%}**" for cell in (tame, bold)]
    nats = [f"**{fixed(cell['log_probability'], 2)}**" for cell in (tame, bold)]
    if bold["log_probability"] < tame["log_probability"]:
        return (
            f"From the lowest temperature and {limit} to the highest, the share of different pairs "
            f"goes from {pairs[0]} to {pairs[1]}, and the model's own log-probability of a token "
            f"from {nats[0]} to {nats[1]} nats: the bolder the dice, the less the model would have "
            "expected what they wrote."
        )
    return (
        f"The model's own log-probability of a token goes from {nats[0]} nats in the tamest cell "
        f"to {nats[1]} in the boldest, and different pairs from {pairs[0]} to {pairs[1]}."
    )


def of_times(table: pd.DataFrame) -> str:
    """How long both took together, and whether they wrote the same."""
    kept, anew = float(table["with_cache"].sum()), float(table["without_cache"].sum())
    same = table["id"] == table["id_without_cache"]
    told = (
        f"**{len(table)} tokens** took **{1000 * kept:,.0f} ms** with the cache and "
        f"**{1000 * anew:,.0f} ms** without: {anew / kept:.1f} times as long."
    )
    if same.all():
        return f"{told} Both wrote the same text."
    return (
        f"{told} They wrote the same up to token {int(same.argmin()) + 1}: there, two numbers "
        "lie so near to each other that rounding decides."
    )


def of_stop(written: str, last: str, stops: tuple[str, ...]) -> str:
    """Which stop tag ended a text, if one did; last is what its last token added."""
    came = next((stop for stop in stops if stop in written[-len(stop) - len(last) :]), None)
    if came is None:
        return ""
    return f"The text ended at its stop tag **{literal(came.strip())}**."


def _factor(nats: float) -> str:
    """e to so many nats, of any size."""
    if nats < math.log(2):
        return f"{math.exp(nats):.3g}"
    if nats < math.log(MANY):
        return f"{math.exp(nats):,.1f}"
    power = nats / math.log(10)
    return large(math.exp(nats)) if power < 300 else f"10{raised(round(power))}"
