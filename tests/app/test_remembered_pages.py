"""The pages of an answer are those that Streamlit itself would make, without a look at the disk."""

from pathlib import Path

import pytest
from streamlit.navigation import page as navigation
from streamlit.testing.v1 import AppTest

from gptviz.app import streamlit_quirks

SCRIPT = """
from pathlib import Path
import streamlit as st
from streamlit.navigation import page as navigation

here = Path(__file__).parent
for path, default in ((Path(__file__), True), (here / "pages" / "attention.py", False)):
    made = navigation._create_page(path, default=default)
    again = navigation._create_page(path, default=default)
    made._can_be_called = "only this one"
    st.text(repr((made is again, sorted(vars(again).items(), key=str))))
"""


@pytest.fixture
def plain(monkeypatch):
    """Puts Streamlit's own way back in its place."""
    monkeypatch.setattr(navigation, "_create_page", navigation._create_page)


@pytest.mark.usefixtures("plain")
def test_a_page_is_remembered_as_streamlit_makes_it(tmp_path, monkeypatch):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "attention.py").write_text("")
    (tmp_path / "app.py").write_text(SCRIPT)

    def told():
        app = AppTest.from_file(str(tmp_path / "app.py")).run()
        assert not app.exception
        return [text.value for text in app.text]

    theirs = told()
    streamlit_quirks.remember_pages()
    assert told() == theirs
    looked = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda *given: looked.append(given[0]) or resolve(*given))
    assert told() == theirs
    assert not [path for path in looked if path.name == "attention.py"]
