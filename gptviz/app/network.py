"""By which addresses others in the same network reach this machine; nobody is asked for them."""

import io
import re
import socket

import psutil
import segno

ANY = ("0.0.0.0", "::")  # a server listens on all addresses of its machine
# Networks that begin and end in this machine: of containers, virtual machines and tunnels.
WITHIN = re.compile(
    r"(lo|docker|br-|veth|virbr|vmnet|vboxnet|vethernet|tun|tap|utun)", re.IGNORECASE
)
NOWHERE = ("127.", "0.", "169.254.")  # how addresses begin that lead no other machine here
WHITE_ON_BLACK, AS_BEFORE = "\033[97;40m", "\033[0m"


def addresses() -> list[str]:
    """The IPv4 addresses of this machine in its networks, that of its way out first."""
    states = psutil.net_if_stats()
    found = [
        own.address
        for name, owned in psutil.net_if_addrs().items()
        if name in states and states[name].isup and not WITHIN.match(name)
        for own in owned
        if own.family == socket.AF_INET and not own.address.startswith(NOWHERE)
    ]
    first = _on_the_way_out()
    return sorted(dict.fromkeys(found), key=lambda address: address != first)


def urls(host: str, port: int, base: str = "") -> list[str]:
    """What others type to reach a server that listens on a host; nothing where none of them can.

    base: the path under which it is shown, as /gptviz, or empty.
    """
    reached = addresses() if host in ANY else [host]
    named = [f"[{name}]" if ":" in name else name for name in reached]
    return [f"http://{name}:{port}{base and f'{base}/'}" for name in named]


def qr_in_a_terminal(url: str, in_colour: bool) -> str:
    """The QR code of an address in half blocks; without colours it needs a dark terminal."""
    drawn = io.StringIO()
    segno.make_qr(url, error="l").terminal(drawn, compact=True)
    lines = drawn.getvalue().splitlines()
    return "\n".join(f"{WHITE_ON_BLACK}{line}{AS_BEFORE}" if in_colour else line for line in lines)


def _on_the_way_out() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            # Nothing is sent: this only asks the system which of its addresses it would send from.
            # The other end is one that is kept for documents (RFC 5737).
            way.connect(("192.0.2.1", 9))
        except OSError:  # it is in no network, or in one without a way out
            return None
        return str(way.getsockname()[0])
