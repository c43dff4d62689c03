"""The glossary as one text, whose headings can be linked to."""

from urllib.parse import urlencode

import streamlit as st

from gptviz.app import address, show
from gptviz.app.glossary import TERMS, Term
from gptviz.app.pages import PAGES


def entries() -> None:
    """All words in the order of the alphabet; links keep the model, the prompt and the choices."""
    query = urlencode(address.choices())
    st.markdown("\n\n".join(entry(term, query) for term in TERMS.values()))


def entry(term: Term, query: str = "") -> str:
    """One word as Markdown; `query` is what its links to pages carry along."""
    parts = [
        f"## {term.name[0].upper()}{term.name[1:]}",
        term.sentence,
        show.literal(term.precise),
        f"Seen on {', '.join(_link(place, query) for place in term.seen)}.",
    ]
    if term.source:
        parts.append(f"*{show.literal(term.source)}*")
    return "\n\n".join(parts)


def _link(place: str, query: str) -> str:
    page, _, tab = place.partition("?")
    address = "&".join(part for part in (tab, query) if part)
    # The overview is the address without a name.
    path = "." if page == "overview" else page
    return f"[{PAGES[page].title}]({path}?{address})"
