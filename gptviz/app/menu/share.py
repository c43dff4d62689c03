"""“Show everybody this”: the address of what one sees, to copy, to type or to photograph."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

import segno
import streamlit as st

from gptviz.app import component, invitation, network, visitors
from gptviz.app.hosts import LOOPBACK
from gptviz.app.menu.present import KEY as PRESENT

COMPONENT = component.register(__file__, '<div class="share"></div>')
TITLE = "Show everybody this"
INVITE = "Invite a class"
WORDS = {
    "copy": "Copy",
    "copied": "Copied",
    "failed": "Not copied: mark it and press Ctrl+C",
    "alt": "The address as a QR code",
}


def share() -> None:
    """A button that opens the address; what is in it is made only then."""
    if st.button(TITLE, key="share", width="stretch"):
        _show(whole_address(st.context.url or "", st.query_params.to_dict()))


def invite() -> None:
    """For the teacher, a link to the page for the projector: what a class types to come here."""
    if visitors.rules().is_shared and visitors.here().is_trusted:
        base = st.get_option("server.baseUrlPath").strip("/")
        st.link_button(INVITE, f"{base and f'/{base}'}/{invitation.NAME}", width="stretch")


@st.dialog(TITLE)
def _show(url: str) -> None:
    if urlsplit(url).hostname in LOOPBACK:
        st.markdown(
            "Only this machine can open this address. Start gptviz with `--host 0.0.0.0` to let "
            "others in the same network in."
        )
    modules = qr_code(url)
    if modules is None:
        st.markdown(
            f"This address has {len(url):,} signs, more than a QR code holds. A shorter text makes "
            "a shorter address."
        )
    COMPONENT(key="address", data={"url": url, "modules": modules, "words": WORDS})


def whole_address(url: str, query: Mapping[str, str]) -> str:
    """The address of a page with all that is chosen on it; the presenter stays the teacher's own.

    url: the page, as the browser of the reader calls it. A browser on the machine of the server may
    say localhost, which is another machine for everybody else: then the name is the one that this
    machine has in its network, if the server listens there.
    """
    parts = urlsplit(url)
    host = parts.netloc
    if parts.hostname in LOOPBACK and st.get_option("server.address") in network.ANY:
        for lan in network.addresses()[:1]:
            host = f"{lan}:{parts.port}" if parts.port else lan
    asked = {key: value for key, value in query.items() if key != PRESENT}
    return parts._replace(netloc=host, query=urlencode(asked, quote_via=quote)).geturl()


def qr_code(text: str) -> list[str] | None:
    """The rows of a QR code, a digit a module, 1 for dark; None if the text is too long for one."""
    try:
        code = segno.make_qr(text, error="l")
    except segno.DataOverflowError:
        return None
    return ["".join(map(str, row)) for row in code.matrix]
