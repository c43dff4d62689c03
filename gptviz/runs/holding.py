"""Who works on a run's folder: at most one process at a time, and how others see that."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gptviz.runs import lock


class Holdable:
    """What a process can hold, so that no second one works on it."""

    folder: Path

    def require_own(self) -> None:
        """Raise ValueError for what nobody may change."""
        raise NotImplementedError

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no second process trains it; the system frees it at any death.

        Raises ValueError if another process holds it, or if it ships with gptviz.
        """
        self.require_own()
        with self._alone("lock"):
            yield

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Hold the run for a process that is being started and will hold it itself.

        Raises ValueError as `locked` does.
        """
        with self._alone("start.lock"):
            with self.locked():
                pass  # nobody trains it
            yield

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(lock.held(self.folder / name))
            except BlockingIOError:
                raise ValueError(
                    f"{self.folder} is being trained by another process; stop that one first"
                ) from None
            yield

    @property
    def has_process(self) -> bool:
        """Whether there is the process that trains the run or waits to; not yet while it starts."""
        return lock.is_held(self.folder / "lock")

    @property
    def is_held(self) -> bool:
        """Whether a process trains the run, waits to, or is being started for that."""
        # In this order: the lock is taken before start.lock is given back.
        return lock.is_held(self.folder / "start.lock") or self.has_process
