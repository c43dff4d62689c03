"""The links in the sidebar lead to every page, and take along what is chosen."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from gptviz import LanguageModel, checkpoints
from gptviz.app.links.links import path_of
from gptviz.app.pages import LABS, PAGES


@pytest.fixture(autouse=True)
def model(tmp_path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel) -> None:
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


def sent(app) -> dict[str, Any]:
    assert not app.exception
    (links,) = (element for element in app.sidebar if getattr(element, "key", "") == "page_links")
    return json.loads(links.proto.json)


def query(app) -> dict[str, list[str]]:
    return parse_qs(sent(app)["query"])


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_page_has_a_link_to_each_and_the_labs_are_a_group(open_app, page):
    links = sent(open_app(page.name))
    assert links["here"] == page.name
    titles = {group["title"]: [one["title"] for one in group["pages"]] for group in links["groups"]}
    assert list(titles) == ["", LABS]
    for group, shown in titles.items():
        assert shown == [other.title for other in PAGES.values() if other.group == group]


def test_a_link_leads_where_streamlit_keeps_the_page():
    root = Path(__file__).parents[2]
    assert path_of("overview") == "./"
    assert {path_of(name).removeprefix("./") for name in PAGES} == {
        "",
        *(file.stem for file in (root / "pages").glob("*.py")),
    }


def test_the_presenter_comes_along(open_app):
    assert query(open_app("tokens", present=1))["present"] == ["1"]


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [("layer_norms", "norm", "h.0.ln_1"), ("embeddings", "stage", "h.0")],
)
def test_a_choice_of_one_page_comes_along_to_another_and_back(open_app, file, key, value):
    app = open_app(file, **{key: value})
    app.switch_page("pages/tokens.py").run()
    assert query(app)[key] == [value]
    assert dict(app.query_params)[key] in (value, [value])
    app.switch_page(f"pages/{file}.py").run()
    assert app.session_state[key] == value


@pytest.mark.parametrize(("chosen", "carried"), [("2", ["2"]), ("4", None)])
def test_the_last_token_is_no_choice_that_links_carry(open_app, chosen, carried):
    app = open_app("mlp", prompt="To be", position=chosen)
    app.run()  # in the first one, the links come before the control
    assert query(app).get("position") == carried


def test_signs_of_an_address_stay_what_they_are_in_a_text(open_app):
    text = "a & b = u? #+%"
    assert query(open_app("tokens", prompt=text))["prompt"] == [text]
