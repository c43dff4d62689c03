"""The foot of the sidebar: the presenter and the address to share."""

from urllib.parse import parse_qs

import numpy as np
import pytest
import zxingcpp

from gptviz import LanguageModel, checkpoints
from gptviz.app.menu import share


@pytest.fixture
def model(tmp_path, monkeypatch: pytest.MonkeyPatch, tiny_lm: LanguageModel) -> str:
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return "tiny"


def leaves_out_what_only_explains(app) -> bool:
    """Whether the page's style sheet hides the sidebar and captions and makes the rest larger."""
    style = "".join(element.proto.body for element in app.get("html"))
    rules = (".stSidebar, .stAppHeader { display: none; }", "scale(1.3)", "stCaptionContainer")
    return all(rule in style for rule in rules) and style.count("<style>") > 1


@pytest.mark.usefixtures("model")
def test_the_presenter_is_switched_on_and_off_and_stands_in_the_address(open_app):
    app = open_app("tokens")
    assert not leaves_out_what_only_explains(app)
    app.toggle(key="presenter").set_value(True).run()
    assert leaves_out_what_only_explains(app)
    assert app.query_params["present"] in ("1", ["1"])
    app.toggle(key="presenter").set_value(False).run()
    assert not leaves_out_what_only_explains(app)
    assert "present" not in app.query_params


@pytest.mark.usefixtures("model")
def test_the_presenter_of_the_address_comes_along_to_the_next_page(open_app):
    app = open_app("tokens", present=1)
    links = [element.proto for element in app.sidebar if element.type == "page_link"]
    assert all(parse_qs(link.query_string)["present"] == ["1"] for link in links)
    app.switch_page("pages/attention.py").run()
    assert leaves_out_what_only_explains(app)
    app.toggle(key="presenter").set_value(False).run()
    app.switch_page("pages/tokens.py").run()
    assert not leaves_out_what_only_explains(app)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("value", ["0", "", "true", "²", "9" * 5000])
def test_any_other_value_leaves_the_presenter_off(open_app, value):
    assert not leaves_out_what_only_explains(open_app("tokens", present=value))


@pytest.mark.parametrize(
    ("url", "listens", "shared"),
    [
        # As the reader came, where others can come the same way.
        ("http://192.168.1.7:8501/tokens", "0.0.0.0", "http://192.168.1.7:8501/tokens"),
        ("https://school.example/gptviz/", "127.0.0.1", "https://school.example/gptviz/"),
        ("http://127.0.0.1:8501/tokens", "127.0.0.1", "http://127.0.0.1:8501/tokens"),
        # This machine's own name for itself is another machine for others.
        ("http://127.0.0.1:8501/tokens", "0.0.0.0", "http://10.1.2.3:8501/tokens"),
        ("http://localhost:8501", "::", "http://10.1.2.3:8501"),
    ],
)
def test_the_shared_address_is_one_that_others_can_open(monkeypatch, url, listens, shared):
    monkeypatch.setattr(share.network, "addresses", lambda: ["10.1.2.3", "10.9.9.9"])
    monkeypatch.setattr(share.st, "get_option", {"server.address": listens}.get)
    assert share.whole_address(url, {}) == shared


def test_the_shared_address_holds_every_choice_but_the_teacher_s_presenter():
    query = {"prompt": "a b&c 안녕\n", "layer": "2", "present": "1"}
    url = share.whole_address("http://school.example/attention", query)
    page, _, asked = url.partition("?")
    assert page == "http://school.example/attention"
    assert parse_qs(asked, strict_parsing=True) == {"prompt": ["a b&c 안녕\n"], "layer": ["2"]}
    assert url.isascii()
    assert " " not in url


@pytest.mark.parametrize("length", [0, 100, 2900])
def test_a_camera_reads_the_qr_code(length):
    url = "http://192.168.1.7:8501/attention?prompt=" + "a" * length
    rows = share.qr_code(url)
    assert rows
    modules = np.pad([[digit == "0" for digit in row] for row in rows], 4, constant_values=True)
    picture = np.kron(modules, np.ones((4, 4))).astype(np.uint8) * 255
    assert [code.text for code in zxingcpp.read_barcodes(picture)] == [url]


def test_an_address_that_no_qr_code_can_hold_has_none():
    assert share.qr_code("http://127.0.0.1:8501/?prompt=" + "a" * 3000) is None
