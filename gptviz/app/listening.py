"""A socket to listen on, and what a browser on this machine types to reach it."""

import errno
import socket


def listen(host: str, port: int) -> socket.socket:
    """A socket that browsers can connect to at once; they are answered when the server runs.

    Raises ValueError for a port out of range, OSError if the address cannot be used.
    """
    if not 0 <= port < 65536:
        raise ValueError(f"port {port} does not exist; choose one from 1024 to 65535 with --port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        both = host == "::" and socket.has_dualstack_ipv6()  # who types an IPv4 address comes, too
        listener = socket.create_server(
            (host, port), family=family, backlog=128, dualstack_ipv6=both
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            way_out = f"another program uses it; choose another, as in: gptviz --port {port + 1}"
        elif error.errno == errno.EACCES:
            way_out = "the system keeps it for itself; choose one above 1023 with --port"
        else:
            way_out = "that is no address of this machine; leave out --host to use 127.0.0.1"
        raise OSError(f"cannot listen on port {port} of {host}: {way_out}") from error
    # A click is a small message; without this, it may wait for the receipt of the one before.
    # Connections inherit it from the socket that accepts them.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def address(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
