"""One choice in detail, below the sampling explorer; each tab runs only when opened."""

from itertools import islice

import pandas as pd
import streamlit as st
from torch import Tensor

from gptviz.analysis import sampling as analysis
from gptviz.figures.sampling import drawn_bars, stage_heatmap
from gptviz.sampling import SamplingSettings, Stage, stages
from gptviz.ui import parts, resources
from gptviz.ui.frame import View

TOKENS_SHOWN = 16
TOKENS_LISTED = 200
DRAWS = 300
DRAWS_A_TURN = 50  # then the processor goes to the next browser that waits
COLUMNS = {
    "before": "the model's own",
    "repetition_penalty": "after penalty",
    "temperature": "after temperature",
    "top_k": "after top-k",
    "top_p": "after top-p",
}


def numbers(view: View, logits: Tensor, settings: SamplingSettings) -> None:
    """The numbers behind the explorer: what each rule removed, and the likeliest tokens."""
    if not st.toggle("Show the numbers", key="explorer_numbers"):
        return
    found = _stages(view, logits, settings)
    parts.table(_removed_and_kept(view, found), "rules")
    parts.table(analysis.token_table(view.lm.tokenizer, logits, found, TOKENS_LISTED), "tokens")


def _removed_and_kept(view: View, found: list[Stage]) -> pd.DataFrame:
    removals = analysis.removals(found)
    kept = found[-1].probabilities
    likeliest = [removal.ids for removal in removals]
    likeliest.append(kept.argsort(descending=True)[: int((kept > 0).sum())])
    return pd.DataFrame(
        {
            "rule": [*(removal.rule for removal in removals), "kept"],
            "tokens": list(map(len, likeliest)),
            "probability": [
                *(removal.mass for removal in removals),
                1 - sum(removal.mass for removal in removals),
            ],
            "likeliest of them": [
                " ".join(view.lm.tokenizer.pieces(ids[:5].tolist())) for ids in likeliest
            ],
        }
    )


def stage_by_stage(view: View, logits: Tensor, settings: SamplingSettings) -> None:
    """The probabilities of the likeliest tokens after each stage."""
    found = _stages(view, logits, settings)
    table = analysis.token_table(view.lm.tokenizer, logits, found, TOKENS_LISTED)
    shown = table.head(TOKENS_SHOWN)
    values, tokens = shown[list(COLUMNS)].to_numpy(), shown["token"].tolist()
    parts.chart(
        stage_heatmap(values, tokens, list(COLUMNS.values()), view.scheme),
        key="stages",
        name="probabilities after each stage",
        shape=(len(COLUMNS), len(logits)),
        how_to_read=f"the {len(shown)} likeliest tokens, read from left to right: each rule "
        "changes what the rule before it left over, and each column of all tokens adds up to 1. "
        "The last column is what one token is drawn from. –: removed.",
        table=table,
    )


def draw_many(view: View, logits: Tensor, settings: SamplingSettings, seed: int) -> None:
    """Many draws of the one next token, beside the probabilities they come from."""
    chosen = st.segmented_control(
        "How many times to draw this one token",
        [100, 300, 1000],
        default=DRAWS,
        required=True,
        key="draws",
        bind="query-params",
        format_func="{:,}".format,
    )
    n = chosen or DRAWS  # an empty value in the URL chooses none
    probabilities = _stages(view, logits, settings)[-1].probabilities
    table = _drawn(view, probabilities, settings, n, seed)
    inside = table["probability"].between(table["low"], table["high"])
    parts.chart(
        drawn_bars(table, view.scheme),
        key="drawn",
        name="draws",
        shape=(n,),
        how_to_read="a bar is how often a token came, a diamond its probability. From the draws "
        "alone one can tell the probability only as precisely as the line on the bar: it holds "
        "the truth in 95 of 100 cases. More draws, shorter lines.",
        table=table,
    )
    st.markdown(
        f"Here **{inside.sum()} of {len(inside)}** lines hold their diamond. The first draw is "
        f"the token that *Write* writes first with the same seed."
    )


def _drawn(
    view: View, probabilities: Tensor, settings: SamplingSettings, n: int, seed: int
) -> pd.DataFrame:
    key = (view.lm.digest, view.ids, settings, n, seed)
    kept = st.session_state.get("drawn_table")
    if kept is not None and kept[0] == key:
        return kept[1]
    progress = st.empty()
    throws = analysis.draws(probabilities, n, seed)
    ids: list[int] = []
    while len(ids) < n:
        with resources.slot(view.waiting):
            ids += islice(throws, DRAWS_A_TURN)
        progress.progress(len(ids) / n, text=f"Drawing … {len(ids)} of {n}")
    progress.empty()
    table = analysis.draw_table(view.lm.tokenizer, probabilities, ids, TOKENS_SHOWN)
    st.session_state["drawn_table"] = (key, table)
    return table


def _stages(view: View, logits: Tensor, settings: SamplingSettings) -> list[Stage]:
    with resources.slot(view.waiting):
        return stages(logits, view.ids, settings)
