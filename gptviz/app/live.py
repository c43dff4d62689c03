"""Parts of a page that draw themselves anew while a run goes on."""

from gptviz.runs import LIVING, State


def look_again(state: State, every: float) -> float | None:
    """Seconds until a part that shows a run draws itself anew; None if nothing will change."""
    return every if state in LIVING else None
