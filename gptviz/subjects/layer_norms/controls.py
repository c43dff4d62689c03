"""Which layer norm to look at."""

import streamlit as st

from gptviz.language_model import LanguageModel
from gptviz.subjects.layer_norms.analysis import norm_names


def norm(lm: LanguageModel) -> str | None:
    """Which layer norm, as its module's name; the last unless chosen. None if there is none.

    A norm of a layer that the model does not have gives way to the same kind in the last layer.
    """
    names = norm_names(lm.config)
    if not names:
        st.session_state.pop("norm", None)
        return None
    chosen = st.session_state.get("norm")
    if chosen is not None and chosen not in names:
        kind = str(chosen).rpartition(".")[-1]
        alike = [name for name in names if name.rpartition(".")[-1] == kind]
        st.session_state["norm"] = (alike or names)[-1]
    return st.selectbox("Layer norm", names, len(names) - 1, key="norm", bind="query-params")
