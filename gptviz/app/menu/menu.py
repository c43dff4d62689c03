"""The foot of the sidebar: what a reader sets for all pages."""

import streamlit as st

from gptviz.app import pictures
from gptviz.app.menu.present import switch
from gptviz.app.menu.share import invite, share
from gptviz.app.menu.theme_menu import theme_menu
from gptviz.app.theme import Scheme


def menu(scheme: Scheme) -> None:
    """Draw the presenter's switch, the themes, and the ways to keep and to show this page."""
    with st.sidebar, st.container(gap="small", key="foot"):
        theme_menu(scheme)
        switch()
        pictures.button()
        share()
        invite()
