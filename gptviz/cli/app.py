"""`gptviz` and `gptviz app`: start the app in a browser."""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gptviz.app.hosts import LOOPBACK, base_path, host_name, shown
from gptviz.app.limits import Limits, count

T = TypeVar("T")

PORT = 8501
MOST_PROCESSES = 16

USUAL = Limits()
LIMITS = {  # of each visitor of a class, with what is limited
    "max_parameters": "parameters of a model that visitors may train",
    "max_steps": "steps that visitors may train for",
    "max_tokens": "tokens that a step of theirs may read",
    "max_prompt": "tokens of a text that is read for visitors",
    "max_seconds": "seconds of the processor that each visitor may use a minute for what takes "
    "long: sweeps, patching, writing",
}

# With these, others come through a proxy; the last is one of several processes, which say it once.
UNTOLD = {"allow_host", "base_path", "listening"}


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
        "--processes",
        default=unsaid,
        type=_said(n_processes),
        metavar="N",
        help="serve from N processes, for a large class on several cores; needs nginx (1)",
    )
    command.add_argument("--listening", default=unsaid, type=int, help=argparse.SUPPRESS)
    command.add_argument(
        "--verbose",
        default=unsaid,
        action="store_true",
        help="tell what is chosen for this machine by measurement",
    )
    command.set_defaults(run=run)
    _of_a_class(command)


def _of_a_class(command: argparse.ArgumentParser) -> None:
    unsaid = argparse.SUPPRESS
    options = command.add_argument_group(
        "a class",
        "for example: gptviz --classroom --host 0.0.0.0 --max-steps 1000\n"
        "The teacher's browser, opened by an address that is printed at the start, has no limits.",
    )
    options.add_argument(
        "--classroom",
        default=unsaid,
        action="store_true",
        help="limit what each visitor may do: train one run at a time, and no texts of their own",
    )
    for name, words in LIMITS.items():
        options.add_argument(
            f"--{name.replace('_', '-')}",
            default=unsaid,
            type=_said(count),
            metavar="N",
            help=f"{words} ({getattr(USUAL, name):,})",
        )
    options.add_argument(
        "--no-training",
        default=unsaid,
        action="store_true",
        help="visitors watch runs and start none",
    )
    options.add_argument(
        "--allow-uploads",
        default=unsaid,
        action="store_true",
        help="visitors may upload and paste texts to train on",
    )


def run(options: argparse.Namespace) -> int:
    """Serve the app until it is stopped. Raises ValueError for options that exclude each other."""
    said = vars(options)
    limits = limits_said(said)
    host = said.get("host", LOOPBACK[0])
    if limits and host in LOOPBACK and not UNTOLD & said.keys():
        print("Only this machine can come; --host 0.0.0.0 lets a class in.", flush=True)
    if said.get("processes", 1) > 1:
        from gptviz.app import processes

        arguments = sys.argv[1:]
        return processes.serve(arguments, said["processes"], host, said.get("port", PORT))
    from gptviz.app.server import serve

    if "verbose" in said:
        tell()
    return serve(
        host,
        said.get("port", PORT),
        open_browser="no_browser" not in said,
        names=said.get("allow_host", ()),
        base=said.get("base_path", ""),
        limits=limits,
        listening=said.get("listening"),
    )


def n_processes(text: str) -> int:
    """A number as --processes takes it; raises ValueError in words for anything else."""
    if text not in map(str, range(1, MOST_PROCESSES + 1)):
        raise ValueError(
            f"{shown(text)} is no number of processes; it must lie between 1 and {MOST_PROCESSES}"
        )
    return int(text)


def limits_said(said: Mapping[str, Any]) -> Limits | None:
    """The limits of a class by what was typed; None for no class.

    Raises ValueError in words for options that mean nothing together.
    """
    given = {name: said[name] for name in LIMITS if name in said}
    switches = [name for name in ("no_training", "allow_uploads") if name in said]
    if "classroom" not in said:
        if extra := _as_options([*given, *switches]):
            raise ValueError(
                f"{extra} came without --classroom, whose visitors it is about; add it"
            )
        return None
    if "no_training" in said:
        about_runs = ["max_parameters", "max_steps", "max_tokens", "allow_uploads"]
        if extra := _as_options([name for name in about_runs if name in said]):
            raise ValueError(
                f"{extra} came with --no-training, which leaves it nothing to allow; leave one out"
            )
    return Limits(training="no_training" not in said, uploads="allow_uploads" in said, **given)


def _as_options(names: list[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _said(read: Callable[[str], T]) -> Callable[[str], T]:
    """What argparse reads an option by, which passes on the words of a refusal."""

    def said(text: str) -> T:
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
