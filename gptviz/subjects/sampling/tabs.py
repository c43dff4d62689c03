"""One choice in detail, below the sampling explorer; each tab runs only when opened."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice

import pandas as pd
import streamlit as st
from torch import Tensor

from gptviz.app import look, show
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.sampling import SamplingSettings, Stage
from gptviz.subjects.sampling import analysis
from gptviz.subjects.sampling.figures import drawn_bars, stage_heatmap
from gptviz.subjects.sampling.text_analysis import Recipe, text_table

TOKENS_SHOWN = 16
TOKENS_LISTED = 200
DRAWS = 300
DRAWS_A_TURN = 50  # then the processor goes to the next browser that waits


def numbers(view: View, logits: Tensor, settings: SamplingSettings, found: Sequence[Stage]) -> None:
    """The numbers behind the explorer: what each rule removed, and the likeliest tokens."""
    show.source(
        f"logits[{len(view.ids) - 1}]",
        (view.lm.config.vocab_size,),
        "the token after your text. The rules run in the order of their table; each acts on what "
        "the one before it left over, and all probabilities are computed over the whole "
        f"vocabulary. The page opens at {term('temperature')} 0.8 and {term('top-k')} 40, which "
        "its address leaves out; there, temperature=1, top_k=0, top_p=1 and repetition_penalty=1 "
        "mean off.",
    )
    table = partial(analysis.token_table, view.lm.tokenizer, logits, found, TOKENS_LISTED)
    show.numbers(table, "tokens", _token_code(view, settings))
    if st.session_state["tokens_numbers"]:
        show.table(analysis.rule_table(view.lm.tokenizer, found), "rules")


def stage_by_stage(
    view: View, logits: Tensor, settings: SamplingSettings, found: Sequence[Stage]
) -> None:
    """The probabilities of the likeliest tokens after each stage."""
    table = analysis.token_table(view.lm.tokenizer, logits, found, TOKENS_LISTED)
    shown = table.head(TOKENS_SHOWN)
    before, *after = analysis.stage_titles(settings).items()
    columns = {before[0]: "the model's own", **{key: f"after {title}" for key, title in after}}
    values, tokens = shown[list(columns)].to_numpy(), shown["token"].tolist()
    show.chart(
        stage_heatmap(values, tokens, list(columns.values()), view.scheme),
        key="stages",
        name="probabilities after each stage",
        shape=(len(columns), len(logits)),
        how_to_read=f"the {len(shown)} likeliest tokens, read from left to right: each rule "
        "changes what the rule before it left over, and each column of all tokens adds up to 1. "
        "The last column is what one token is drawn from. –: removed.",
        table=table,
        code=_token_code(view, settings).drawn(
            stage_heatmap,
            f'shown[{list(columns)!r}].to_numpy(), shown["token"].tolist(), '
            f"{list(columns.values())!r}",
            f"shown = table.head({TOKENS_SHOWN})",
        ),
    )


def draw_many(view: View, settings: SamplingSettings, found: Sequence[Stage], seed: int) -> None:
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
    probabilities = found[-1].probabilities
    table = _drawn(view, probabilities, settings, n, seed)
    inside = table["probability"].between(table["low"], table["high"])
    show.chart(
        drawn_bars(table, view.scheme),
        key="drawn",
        name="draws",
        shape=(n,),
        how_to_read="a bar is how often a token came, a diamond its probability. From the draws "
        "alone one can tell the probability only as precisely as the line on the bar: it holds "
        "the truth in 95 of 100 cases. More draws, shorter lines.",
        table=table,
        code=_code(
            view,
            settings,
            analysis.draw_table,
            "from gptviz.subjects.sampling.analysis import draws",
            "probabilities = stages(lm.next_logits(ids), ids, settings)[-1].probabilities",
            f"drawn = draws(probabilities, {n}, seed={seed})",
            f"table = draw_table(lm.tokenizer, probabilities, drawn, {TOKENS_SHOWN})",
        ).drawn(drawn_bars),
    )
    st.markdown(
        f"Here **{inside.sum()} of {len(inside)}** lines hold their diamond. The first draw is "
        f"the first token of the text above."
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
        with look.slot(long=True):
            ids += islice(throws, DRAWS_A_TURN)
        progress.progress(len(ids) / n, text=f"Drawing … {len(ids)} of {n}")
    progress.empty()
    table = analysis.draw_table(view.lm.tokenizer, probabilities, ids, TOKENS_SHOWN)
    st.session_state["drawn_table"] = (key, table)
    return table


def _token_code(view: View, settings: SamplingSettings) -> Code:
    return _code(
        view,
        settings,
        analysis.token_table,
        "logits = lm.next_logits(ids)",
        "found = stages(logits, ids, settings)",
        f"table = token_table(lm.tokenizer, logits, found, {TOKENS_LISTED})",
    )


def _code(
    view: View, settings: SamplingSettings, function: Callable[..., pd.DataFrame], *lines: str
) -> Code:
    """The code of a picture, whose lines may use `lm`, `ids`, `stages` and `settings`."""
    return Code(
        function,
        (
            "from gptviz.sampling import SamplingSettings, stages",
            f"lm = gptviz.load({view.lm.name!r})",
            f"ids = lm.ids({view.written!r})",
            f"settings = {settings!r}",
            *lines,
        ),
    )


def recipe_code(view: View, recipes: Mapping[str, Recipe]) -> Code:
    """The code of the numbers of some texts."""
    one = next(iter(recipes.values()))
    return Code(
        text_table,
        (
            "from gptviz.sampling import SamplingSettings",
            "from gptviz.subjects.sampling.text_analysis import Recipe, write",
            f"lm = gptviz.load({view.lm.name!r})",
            f"ids = tuple(lm.ids({view.written!r}))",
            "settings = {",
            *(f"    {name!r}: {recipe.settings!r}," for name, recipe in recipes.items()),
            "}",
            "texts = {",
            f"    name: list(write(lm, Recipe(ids, chosen, {one.seed}, {one.length}, {one.stop})))",
            "    for name, chosen in settings.items()",
            "}",
            "table = text_table(texts)",
        ),
    )
