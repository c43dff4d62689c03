"""What to notice in a search, a ranking, a grid and a measurement; each made from its numbers."""

import math

import pandas as pd

from gptviz.app.show import literal


def of_search(found: pd.DataFrame, greedy: float, beams: int) -> str:
    """Whether the search found a likelier text than greedy writing did.

    found is `beam_analysis.found_table`; greedy is the log-probability of the text that always
    takes the likeliest token, with as many tokens.
    """
    best = float(found["sum"].iloc[0])
    told = f"The best text has ln p = **{best:.2f}** nats"
    if beams == 1:
        return f"{told}. With 1 beam, nothing is compared: this is greedy writing."
    if best > greedy + 1e-6:
        times = f"{math.exp(min(best - greedy, 20)):,.1f}"
        return (
            f"{told}; greedy writing comes to **{greedy:.2f}**. Looking ahead paid: the best text "
            f"is **{times}** times as likely, though one of its tokens was not the likeliest."
        )
    if best < greedy - 1e-6:
        return f"{told}, less than greedy writing's **{greedy:.2f}**: the search gave it up early."
    return f"{told}, and greedy writing finds the same one: looking ahead changed nothing here."


def of_ranking(table: pd.DataFrame) -> str:
    """Where greedy writing stands among the sampled texts, by the mean."""
    place = 1 + int((table["written with"] == "greedy").argmax())
    drawn = table[table["written with"] != "greedy"]
    least, most = float(drawn["perplexity"].min()), float(drawn["perplexity"].max())
    return (
        f"The texts that were drawn have perplexities from **{least:.2f}** to **{most:.2f}**; "
        f"by the mean, greedy writing stands at place **{place}** of {len(table)}. The likeliest "
        "text need not read best: look how often it repeats itself."
    )


def of_grid(table: pd.DataFrame, by: str) -> str:
    """What the coolest cell and the boldest one of the grid have in common, and what not."""
    tame, bold = table.iloc[0], table.iloc[-1]
    limit = "top-k" if by == "top_k" else "top-p"
    return (
        f"From the lowest temperature and {limit} to the highest, the share of different pairs "
        f"goes from **{tame['distinct_2']:.1%}** to **{bold['distinct_2']:.1%}**, and the model's "
        f"own log-probability of a token from **{tame['log_probability']:.2f}** to "
        f"**{bold['log_probability']:.2f}** nats: the bolder the dice, the less the model would "
        "have expected what they wrote."
        if bold["log_probability"] < tame["log_probability"]
        else f"The model's own log-probability of a token goes from "
        f"**{tame['log_probability']:.2f}** nats in the tamest cell to "
        f"**{bold['log_probability']:.2f}** in the boldest, and different pairs from "
        f"**{tame['distinct_2']:.1%}** to **{bold['distinct_2']:.1%}**."
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
