"""What a run will take, said before it starts; its pace is measured beside the page."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import streamlit as st

from gptviz.analysis import estimate
from gptviz.training import jobs, measure
from gptviz.training.config import TrainingConfig
from gptviz.training.measure import Pace
from gptviz.ui import parts

_bench = ThreadPoolExecutor(1, thread_name_prefix="measure")


@dataclass
class _Measurement:
    config: TrainingConfig
    pace: Future[Pace] | None = None  # None: the settings may still change


def facts(config: TrainingConfig) -> None:
    """One line: parameters, memory, tokens a step, and about how long it takes."""
    known = measure.known(config)
    busy = None if known else _running(jobs.list_runs())
    every = None if known or busy else 1.0
    st.fragment(_line, run_every=every)(config, busy)


def duration(seconds: float) -> str:
    """A time in words: 45 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 100 else f"{hours} h {rest} min"


def _line(config: TrainingConfig, busy: str | None) -> None:
    known = measure.known(config)
    if known:
        time = f"{'more than' if known.at_least else 'about'} **{duration(known.seconds(config))}**"
    elif busy:
        time = f"time: not measured while {parts.literal(busy)} trains"
    else:
        time = _measured(config)
    st.markdown(
        f"**{estimate.parameters(config.model):,}** parameters · about "
        f"**{estimate.memory(config).total / 1e6:,.0f} MB** of memory · "
        f"**{config.tokens_per_step:,}** tokens a step · {time}"
    )


def _measured(config: TrainingConfig) -> str:
    """How the measurement goes. It begins when the settings have stayed the same for a second."""
    now: _Measurement | None = st.session_state.get("measurement")
    if now is None or now.config != config:
        if now and now.pace:
            now.pace.cancel()
        st.session_state["measurement"] = _Measurement(config)
    elif now.pace is None:
        now.pace = _bench.submit(measure.pace, config)
    elif now.pace.done():
        if error := now.pace.exception():
            return f"time: could not be measured ({parts.literal(str(error))})"
        st.rerun()
    return "time: measuring …"


def _running(runs: Iterable[jobs.Run]) -> str | None:
    """The name of the run that trains now, which would slow a measurement down."""
    return next((run.name for run in runs if jobs.state(run) == "running"), None)
