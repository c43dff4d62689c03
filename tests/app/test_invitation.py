"""The page for the projector: the address that others can open, large, with a QR code."""

import re

import pytest
from starlette.requests import Request

from gptviz.app import network
from gptviz.app.invitation import LARGEST, NO_NETWORK, ONLY_HERE, Invitation


def asked(host: str, scheme: str = "http") -> Request:
    return Request(
        {"type": "http", "scheme": scheme, "path": "/", "headers": [(b"host", host.encode())]}
    )


@pytest.mark.parametrize(
    ("listens", "base", "host", "urls"),
    [
        ("0.0.0.0", "", "127.0.0.1:8501", ["http://10.0.0.2:8501", "http://10.0.0.3:8501"]),
        ("0.0.0.0", "", "10.0.0.3:8501", ["http://10.0.0.3:8501"]),
        ("::", "/gptviz", "localhost.:8501", [f"http://10.0.0.{n}:8501/gptviz/" for n in (2, 3)]),
        ("127.0.0.1", "/gptviz", "school.example", ["https://school.example/gptviz/"]),
        ("127.0.0.1", "", "127.0.0.1:8501", []),
    ],
)
def test_the_page_names_what_others_can_open(monkeypatch, listens, base, host, urls):
    monkeypatch.setattr(network, "addresses", lambda: ["10.0.0.2", "10.0.0.3"])
    scheme = urls[0].partition(":")[0] if urls else "http"
    assert Invitation(listens, 8501, base).urls(asked(host, scheme)) == urls


@pytest.mark.parametrize(
    "url", ["http://10.0.0.2:8501", "https://" + "a" * 60 + ".example/gptviz/"]
)
def test_the_address_is_as_large_as_it_fits_and_nothing_is_asked_of_others(url):
    page = Invitation("0.0.0.0", 8501).page([url, "http://10.0.0.3:8501"])
    size = float(re.search(r"700 ([\d.]+)vw", page)[1])
    assert size == pytest.approx(min(LARGEST, 92 / (0.602 * len(url))), abs=0.01)
    assert f"<div class=address>{url}</div>" in page
    assert "or http://10.0.0.3:8501" in page
    assert "<svg" in page
    assert not re.search(r"(src|href)=(?!\"data:,)|url\(|@import", page)


def test_a_name_that_a_stranger_made_up_is_no_part_of_the_page():
    page = Invitation("0.0.0.0", 8501).page(["http://<script>alert(1)</script>"])
    assert "<script" not in page


@pytest.mark.parametrize(("listens", "words"), [("127.0.0.1", ONLY_HERE), ("0.0.0.0", NO_NETWORK)])
def test_where_nobody_can_come_the_page_says_how(listens, words):
    page = Invitation(listens, 8501).page([])
    assert words in page
    assert "<svg" not in page
