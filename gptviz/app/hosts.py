"""Names of hosts: as they come in headers, and as they are typed after the command."""

import ipaddress
import re
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")  # what a machine calls itself
LONGEST = 60  # characters of what a stranger sent


def host_name(text: str) -> str:
    """A name as --allow-host takes it; raises ValueError in words for anything else."""
    name = plain(text)
    if not name or named(f"[{name}]" if ":" in name else name) != name:
        raise ValueError(f"{shown(text)} is no name of a host; it must be as in: school.example")
    return name


def base_path(text: str) -> str:
    """A path as --base-path takes it: /gptviz, or empty for none.

    Raises ValueError in words for anything else.
    """
    parts = [part for part in text.split("/") if part]
    if not all(re.fullmatch(r"[\w~-][\w.~-]*", part, re.ASCII) for part in parts):
        raise ValueError(f"{shown(text)} is no path of an address; it must be as in: /gptviz")
    return "".join(f"/{part}" for part in parts)


def named(host: str) -> str:
    """The name in a Host header, without its port; empty if it has none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - raises ValueError for what is no port
    except ValueError:
        return ""
    if parts.netloc != host or "@" in host:
        return ""
    return shown(plain(parts.hostname or ""))


def plain(name: str) -> str:
    """A name as it is compared: small letters, without the dot that may end it."""
    return name.strip().lower().removesuffix(".")


def is_address(name: str) -> bool:
    """Whether a name is an address, as 192.0.2.1, and so leads to the same machine for all."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def shown(text: str) -> str:
    """What a stranger sent, as a terminal can show it: short, and in no way a command to it."""
    known = re.sub(r"[^\w.:/~-]", "?", text, flags=re.ASCII)
    return known if len(known) <= LONGEST else f"{known[: LONGEST - 1]}…"
