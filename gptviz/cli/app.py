"""`gptviz` and `gptviz app`: start the app in a browser."""

import argparse
import logging
from collections.abc import Callable

from gptviz.app.hosts import base_path, host_name


def options(command: argparse.ArgumentParser) -> None:
    """Where the server listens, whether it opens a browser, and what it tells.

    They may stand before the word `app`, after it, or without it.
    """
    unsaid = argparse.SUPPRESS  # so that what was said before the word stays
    command.add_argument("--host", default=unsaid, help="the address to listen on (127.0.0.1)")
    command.add_argument("--port", default=unsaid, type=int, help="the port to listen on (8501)")
    command.add_argument(
        "--no-browser", default=unsaid, action="store_true", help="open no browser"
    )
    command.add_argument(
        "--allow-host",
        default=unsaid,
        action="append",
        type=_said(host_name),
        metavar="NAME",
        help="a name under which a proxy shows the app; may be given again",
    )
    command.add_argument(
        "--base-path",
        default=unsaid,
        type=_said(base_path),
        metavar="PREFIX",
        help="the path under which a proxy shows the app, as /gptviz",
    )
    command.add_argument(
        "--verbose",
        default=unsaid,
        action="store_true",
        help="tell what is chosen for this machine by measurement",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the app until it is stopped."""
    from gptviz.app.server import serve

    said = vars(options)
    if "verbose" in said:
        tell()
    return serve(
        said.get("host", "127.0.0.1"),
        said.get("port", 8501),
        open_browser="no_browser" not in said,
        names=said.get("allow_host", ()),
        base=said.get("base_path", ""),
    )


def _said(read: Callable[[str], str]) -> Callable[[str], str]:
    """What argparse reads an option by, which passes on the words of a refusal."""

    def said(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return said


def tell() -> None:
    """Show in the terminal what gptviz says of its own work."""
    terminal = logging.StreamHandler()
    terminal.setFormatter(logging.Formatter("gptviz: %(message)s"))
    log = logging.getLogger("gptviz")
    log.addHandler(terminal)
    log.setLevel(logging.INFO)
