"""What stands below the path: the likeliest next tokens, and the laws of this run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.app import look
from gptviz.app.frame import View
from gptviz.subjects.overview.analysis import ranked, self_checks


def next_tokens(
    view: View, position: int, likeliest: pd.DataFrame, came: Mapping[str, Any] | None
) -> None:
    """The ten likeliest tokens after a position; what `likeliest_tokens` and `came_next` gave."""
    st.header("The ten likeliest next tokens")
    marks = "✔ marks the one that came next." if came else ""
    st.caption(
        f"After token {position}, out of all {view.lm.config.vocab_size:,} tokens of the "
        f"vocabulary. The longest bar is the likeliest token. {marks}"
    )
    longest = float(np.nan_to_num(likeliest["probability"].iloc[0], nan=1))
    st.dataframe(
        ranked(likeliest, came),
        hide_index=True,
        key="likeliest",
        column_config={
            "probability": st.column_config.ProgressColumn(
                "probability", format="%.4f", min_value=0, max_value=longest
            ),
            "logit": st.column_config.NumberColumn("logit", format="%.3f"),
        },
    )


def laws(view: View) -> None:
    """Whether this run obeys the laws of the network."""
    st.header("Does this run obey its own laws?")
    checks = look.look(self_checks, view.lm, view.trace)
    for column, check in zip(st.columns(len(checks)), checks, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"{'✅' if check.holds else '❌'} {check.law}")
            st.caption(f"largest error {check.error:.1e}, allowed {check.limit:.0e}")
