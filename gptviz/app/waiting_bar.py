"""What a page shows while long work is under way: how far it is, and a button that stops it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import allowance, show

STOPPED = "stopped"  # where a browser remembers the long work that its reader stopped
Bar = Callable[[float, str], None]  # shows which share is done, beside words


@contextmanager
def place(key: Hashable) -> Iterator[Bar]:
    """A place for the bar of the work of a key, empty again at the end.

    This run ends here, with a button that begins again, if its reader has stopped that work, or is
    a visitor of a class who has used what there is for each.
    """
    empty = st.empty()
    if st.session_state.get(STOPPED) == key:
        with empty.container(horizontal=True, vertical_alignment="center"):
            st.markdown("You stopped this.", width="content")
            _begin_again(key)
        st.stop()
    try:
        allowance.require()
        yield _Bar(key, empty)
    except allowance.UsedUpError as error:
        with empty.container():
            show.note(str(error))
            _begin_again(key)
        st.stop()
        raise
    empty.empty()


class _Bar:
    def __init__(self, key: Hashable, empty: DeltaGenerator):
        self.key, self.empty = key, empty
        self.bar: DeltaGenerator | None = None

    def __call__(self, share: float, words: str) -> None:
        if self.bar is None:
            with self.empty.container(horizontal=True, vertical_alignment="bottom"):
                self.bar = st.empty()
                st.button("Stop", key=f"stop_{hash(self.key)}", on_click=_stop, args=(self.key,))
        self.bar.progress(share, words)


def _begin_again(key: Hashable) -> None:
    st.button("Begin again", on_click=_stop, args=(None,), key=f"go_{hash(key)}")


def _stop(key: Hashable | None) -> None:
    st.session_state[STOPPED] = key
