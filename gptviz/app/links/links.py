"""The links to all pages: one picture of our own, where Streamlit sends a message for each link."""

from itertools import groupby
from pathlib import Path
from urllib.parse import urlencode

from gptviz.app import address, component
from gptviz.app.pages import PAGES

COMPONENT = component.register(__file__, '<nav class="links"></nav>')
LABEL = "Pages"


def page_links(here: str) -> None:
    """Draw them as seen from a page; what is chosen goes along.

    Those of a group stand behind its name, which is open while one of them is read.
    """
    COMPONENT(
        key="page_links",
        data={
            "label": LABEL,
            "here": here,
            "query": urlencode(address.choices()),
            "groups": [
                {
                    "title": group,
                    "pages": [
                        {"name": page.name, "path": path_of(page.name), "title": page.title}
                        for page in pages
                    ],
                }
                for group, pages in groupby(PAGES.values(), lambda page: page.group)
            ],
        },
    )


def path_of(name: str) -> str:
    """Where a page is, seen from any other; the first one of all stands where the others begin."""
    file = Path(PAGES[name].file)
    return f"./{file.stem}" if file.parent.name else "./"
