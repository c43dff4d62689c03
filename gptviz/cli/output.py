"""Where a command prints: neither a letter nor a reader who has left ends it."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from gptviz.disk_errors import advice

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NAMES = ("stdout", "stderr")


class Sink(io.FileIO):
    """A terminal, file or pipe that is written to, also when nobody reads it any more.

    So `gptviz compare … | head` ends as it would have, and a run whose terminal is gone goes on.
    """

    must_write = True

    def write(self, content: "ReadableBuffer") -> int:
        """Write, or let go what a closed pipe does not take.

        Raises OSError in words where there is no room, unless nothing must be written.
        """
        try:
            return super().write(content)
        except BrokenPipeError:
            pass
        except OSError as error:
            if self.must_write:
                self.must_write = False  # said once: Python tries again at its end
                raise OSError(
                    f"what is printed could not be written ({error.strerror}); "
                    f"{advice(error)}, or print it elsewhere"
                ) from error
        return memoryview(content).nbytes


@contextmanager
def to_anybody() -> Iterator[None]:
    r"""Print any text anywhere: where there is no letter 안, as \uc548."""
    usual = {name: getattr(sys, name) for name in NAMES}
    for name, stream in usual.items():
        setattr(sys, name, _patient(stream))
    try:
        yield
    finally:
        for name, stream in usual.items():
            with suppress(OSError):
                flush(getattr(sys, name))
            setattr(sys, name, stream)


def need_not_be_read() -> None:
    """Let go, from now on, what finds no room: a run of many hours does not end for its words."""
    for name in NAMES:
        buffer = getattr(getattr(sys, name), "buffer", None)
        sink = getattr(buffer, "raw", buffer)
        if isinstance(sink, Sink):
            sink.must_write = False


def flush(stream: Any) -> None:
    """Write what still waits in a stream. Raises OSError in words."""
    if stream is not None:  # as in a program without a window on Windows
        stream.flush()


def _patient(stream: Any) -> Any:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    raw = getattr(stream.buffer, "raw", stream.buffer)  # as $PYTHONUNBUFFERED says
    if type(raw) is not io.FileIO:  # Windows's console is of another kind, and so are a test's
        return stream
    stream.flush()
    sink = Sink(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        sink if raw is stream.buffer else io.BufferedWriter(sink),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
