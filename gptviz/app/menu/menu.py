"""The foot of the sidebar: what a reader sets for all pages."""

import streamlit as st

from gptviz.app.menu.present import switch
from gptviz.app.menu.share import invite, share
from gptviz.app.menu.theme_menu import theme_menu
from gptviz.app.theme import Scheme


def menu(scheme: Scheme) -> None:
    """Draw the presenter's switch, the themes, and the way to show everybody this."""
    with st.sidebar, st.container(gap="small", key="foot"):
        theme_menu(scheme)
        switch()
        share()
        invite()
