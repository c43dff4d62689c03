"""What holds for whoever looks at a page, by how the server was started."""

import pytest
import streamlit as st

from gptviz.app import server, visitors
from gptviz.app.limits import Limits
from gptviz.app.visitors import Rules, Visitor


class Context:
    def __init__(self, **headers: str):
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def settled(monkeypatch):
    """Let these rules hold, and a browser with these headers come."""

    def settle(rules: Rules, **headers: str) -> None:
        monkeypatch.setattr(visitors, "_rules", rules)
        monkeypatch.setattr(st, "context", Context(**headers))

    return settle


def test_alone_with_the_machine_one_may_do_all_and_nothing_is_asked(settled, monkeypatch):
    settled(Rules())
    monkeypatch.setattr(st, "get_option", {"server.address": "127.0.0.1"}.get)
    assert visitors.here() == Visitor("", is_trusted=True)
    assert visitors.limits() is None


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.168.1.7"])
def test_where_nobody_can_be_told_apart_nobody_may_change_a_thing(settled, monkeypatch, address):
    settled(Rules())
    monkeypatch.setattr(st, "get_option", {"server.address": address}.get)
    assert visitors.here() == Visitor("", is_trusted=False)


def test_a_visitor_is_whom_the_reception_says(settled):
    settled(Rules(is_shared=True), gptviz_visitor="ab", gptviz_trusted="no")
    assert visitors.here() == Visitor("ab", is_trusted=False)
    settled(Rules(is_shared=True))
    assert visitors.here() == Visitor("", is_trusted=False)


def test_limits_are_those_of_visitors_and_not_of_the_teacher(settled):
    limits = Limits(max_steps=7)
    settled(Rules(True, limits=limits), gptviz_visitor="ab", gptviz_trusted="no")
    assert visitors.limits() == limits
    settled(Rules(True, limits=limits), gptviz_visitor="ab", gptviz_trusted="yes")
    assert visitors.limits() is None


@pytest.mark.parametrize(
    ("started", "is_shared", "trusts_this_machine"),
    [
        (("127.0.0.1", [], "", None), False, True),
        (("localhost", [], "", None), False, True),
        (("0.0.0.0", [], "", None), True, True),
        (("192.168.1.7", [], "", None), True, True),
        (("127.0.0.1", ["school.example"], "", None), True, False),
        (("127.0.0.1", [], "/gptviz", None), True, False),
        (("0.0.0.0", [], "", Limits()), True, False),
        (("127.0.0.1", [], "", Limits()), True, False),
    ],
)
def test_browsers_are_told_apart_wherever_others_can_come(started, is_shared, trusts_this_machine):
    assert server.rules_of(*started) == Rules(is_shared, trusts_this_machine, started[3])


def test_a_server_for_one_makes_no_secret_and_gives_no_cookie(python):
    code = (
        "from gptviz.app import server; from gptviz.app.reception import Reception, Word;"
        "rules = server.rules_of('0.0.0.0', [], '', None);"
        "alone = server.app('127.0.0.1').app;"
        "import os; print(os.path.exists('models'), isinstance(alone, Reception));"
        "shared = server.app('0.0.0.0', rules=rules, word=Word()).app;"
        "print(os.path.exists('models/.private/secret'), isinstance(shared, Reception))"
    )
    assert python(code, GPTVIZ_CHECKPOINTS="models", HOME=".") == "False False\nTrue True\n"
