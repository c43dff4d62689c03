"""`gptviz` and `gptviz app`: start the app in a browser."""

import argparse


def options(command: argparse.ArgumentParser) -> None:
    """Where the server listens, and whether it opens a browser."""
    command.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    command.add_argument("--port", type=int, default=8501, help="the port to listen on")
    command.add_argument("--no-browser", action="store_true", help="do not open a browser")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve the app until it is stopped."""
    from gptviz.ui.server import serve

    return serve(options.host, options.port, open_browser=not options.no_browser)
