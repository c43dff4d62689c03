"""The presenter: the same page for the last row of a classroom."""

import streamlit as st

from gptviz.app import component

COMPONENT = component.register(__file__)
KEY, ON = "present", "1"


def is_on() -> bool:
    """Whether it was switched on, here or by the address; that comes along to the other pages."""
    state = st.session_state
    if "presents" not in state:
        state["presents"] = st.query_params.get(KEY) == ON
    if state["presents"]:
        st.query_params[KEY] = state[KEY] = ON
    else:
        st.query_params.pop(KEY, None)
        state.pop(KEY, None)
    return bool(state["presents"])


def switch() -> None:
    """The switch; while it is on, a button over the page and the key Escape turn it off."""
    on = is_on()
    st.session_state["presenter"] = on
    st.toggle("Presenter", key="presenter", on_change=_follow_the_switch)
    if on:
        COMPONENT(
            key="leave_presenter", data={"leave": "✕ Leave presenter (Esc)"}, on_leave_change=_leave
        )


def _follow_the_switch() -> None:
    st.session_state["presents"] = st.session_state["presenter"]


def _leave() -> None:
    st.session_state["presents"] = False
