"""Who looks at a page, and what the server lets them do.

On a server that only its own machine can reach there is one person, who may do all. On any other
each browser is known by a cookie: a run belongs to the one that started it, and the teacher's may
do all. `gptviz.app.reception` reads the cookies, and says in two headers whom it has let in.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gptviz.app.hosts import LOOPBACK
from gptviz.app.limits import Limits

ID, TRUSTED = "gptviz-visitor", "gptviz-trusted"  # the headers; nobody else's get through


@dataclass(frozen=True)
class Rules:
    """What holds on this server."""

    is_shared: bool = False  # whether others can come to it
    # Whether a browser on its own machine may do all; behind a proxy every one seems to be there.
    trusts_this_machine: bool = False
    limits: Limits | None = None  # of each visitor of a class


@dataclass(frozen=True)
class Visitor:
    """The browser that looks at a page."""

    id: str = ""  # by which its runs are known; a browser without cookies has none
    is_trusted: bool = False  # the teacher's, or one on the machine that all of this is on


ALONE = Rules()
ONLY_ONE = Visitor(is_trusted=True)
_rules = ALONE


def settle(rules: Rules) -> None:
    """Say what holds; the server does, before anybody comes."""
    global _rules
    _rules = rules


def rules() -> Rules:
    """What holds on this server."""
    return _rules


def here() -> Visitor:
    """Who looks at the page that is being drawn."""
    if rules().is_shared:
        return announced(st.context.headers)
    # `streamlit run` knows no cookies of ours: with an address of its own it lets others in whom
    # nobody can tell apart.
    is_alone = st.get_option("server.address") in LOOPBACK
    return ONLY_ONE if is_alone else Visitor()


def announced(headers: Mapping[str, str]) -> Visitor:
    """Whom the reception has let in with these headers."""
    return Visitor(headers.get(ID, ""), headers.get(TRUSTED) == "yes")


def limits() -> Limits | None:
    """What the visitor is limited to; None for one who is not."""
    found = rules().limits
    return None if found is None or here().is_trusted else found
