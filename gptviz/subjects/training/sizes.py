"""Runs of models of several sizes: how their losses lie on a line."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from gptviz.app import code, show
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.pages import PAGES
from gptviz.app.theme import Scheme
from gptviz.runs import Run
from gptviz.runs.compare import TITLES
from gptviz.subjects.scaling import law_analysis
from gptviz.subjects.training import analysis, figures


def draw(runs: Sequence[Run], scheme: Scheme, key: str) -> None:
    """Losses over sizes and the nearest line, where the runs have enough sizes for one.

    The runs read the same text, in the same tokens.
    """
    table = analysis.by_size(runs)
    sizes, losses = (table[name].to_numpy(float) for name in ("parameters", "best_val_loss"))
    if len(np.unique(sizes)) < law_analysis.FEWEST["line"]:
        return
    law = law_analysis.fit(sizes, losses, "line")
    exponent = f"{law.exponent:.3f}".replace("-", "\N{MINUS SIGN}")
    st.markdown(
        "**Loss against size.** On the nearest straight line, ten times as many parameters leave "
        f"{10**-law.exponent:.1%} of the loss: {term('power law', 'exponent')} {exponent}."
    )
    show.chart(
        figures.by_size(table, law, scheme),
        key=f"{key}_by_size",
        name="best validation loss of each run",
        shape=(len(table),),
        how_to_read="each point is a run: the parameters of its model without embeddings, and how "
        "low its loss came. That says what size does if the runs differ in nothing else.",
        table=show.titled(table, TITLES),
        code=_code(runs).drawn(
            figures.by_size,
            "table, fit(*axes, 'line')",
            "from gptviz.subjects.scaling.law_analysis import fit",
            "axes = (table[name].to_numpy(float) for name in ('parameters', 'best_val_loss'))",
        ),
    )
    st.page_link(PAGES["scaling"].file, label="A family trained for this: Scaling", width="content")


def _code(runs: Sequence[Run]) -> Code:
    imports, written = zip(*map(code.found_again, runs), strict=True)
    lines = dict.fromkeys(line for lines in imports for line in lines)
    return Code(analysis.by_size, (*lines, f"table = by_size([{', '.join(written)}])"))
