"""The glossary as a page."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from gptviz.app.glossary import TERMS
from gptviz.app.pages import PAGES
from gptviz.subjects.glossary.tabs import entry


def test_every_word_has_a_heading_that_can_be_linked_to_and_its_sentence(open_app):
    text = "\n".join(element.value for element in open_app("glossary").main.markdown)
    headings = re.findall(r"(?m)^## (.+)$", text)
    assert [heading.lower() for heading in headings] == [name.lower() for name in TERMS]
    assert all(term.sentence in text for term in TERMS.values())


@pytest.mark.parametrize("name", TERMS)
def test_an_entry_leads_to_pages_with_the_model_and_the_prompt_of_the_reader(name: str):
    text = entry(TERMS[name], "model=my-run&prompt=Once+more")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) == len(TERMS[name].seen)
    for target, place in zip(targets, TERMS[name].seen, strict=True):
        found = urlsplit(target)
        page, _, tab = place.partition("?")
        assert found.path == ("." if page == "overview" else page)
        assert page in PAGES
        wanted = {"model": ["my-run"], "prompt": ["Once more"], **parse_qs(tab)}
        assert parse_qs(found.query) == wanted


def test_the_links_carry_what_was_chosen(open_app):
    app = open_app("tokens", prompt="Once").switch_page("pages/glossary.py").run()
    assert "prompt=Once" in " ".join(element.value for element in app.main.markdown)
    app.switch_page("pages/tokens.py").run()
    assert app.session_state["prompt"] == "Once"
