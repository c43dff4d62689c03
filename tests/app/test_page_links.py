"""The links of the sidebar are those that Streamlit itself would draw."""

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from gptviz.app.streamlit_quirks import page_links

query = {"prompt": "a & b = ü", "layer": "3"}
files = {"app.py": "Overview", "pages/attention.py": "Attention *here*"}
for file, words in files.items():
    st.page_link(file, label=words, query_params=query, width="stretch")
page_links(st.container(), [(file.split("/")[-1], words) for file, words in files.items()], query)
"""


def test_a_link_is_what_streamlit_draws(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "attention.py").write_text("")
    (tmp_path / "app.py").write_text(SCRIPT)
    app = AppTest.from_file(str(tmp_path / "app.py")).run()
    assert not app.exception
    theirs, ours = app.get("page_link")[:2], app.get("page_link")[2:]
    assert len(ours) == 2
    for one, other in zip(ours, theirs, strict=True):
        assert one.proto == other.proto
        assert one.root is other.root
