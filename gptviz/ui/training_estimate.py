"""What a run will take, said before it starts; its pace is measured beside the page."""

import threading

import streamlit as st

from gptviz.analysis import estimate
from gptviz.training import jobs, measure
from gptviz.training.config import TrainingConfig
from gptviz.training.runs import LIVING
from gptviz.ui import parts

_turn = threading.Lock()


class _Measurement:
    """Measures beside the page how long a step takes; the result is in measure.known."""

    def __init__(self, config: TrainingConfig):
        self.config, self.error = config, ""
        self.begun = self.abandoned = False

    def begin(self) -> None:
        self.begun = True
        # A daemon, so that the server need not wait for it in order to end.
        threading.Thread(target=self._measure, daemon=True).start()

    def _measure(self) -> None:
        with _turn:
            if self.abandoned:
                return
            if _running():  # since it waited for its turn
                self.begun = False
                return
            try:
                measure.pace(self.config)
            except measure.BrokenOffError:  # by a run that began: it is measured after that
                self.begun = False
            except (ValueError, OSError) as error:
                self.error = str(error)


def facts(config: TrainingConfig) -> None:
    """One line: parameters, memory, tokens a step, and about how long it takes."""
    known = measure.known(config)
    busy = None if known else _running()
    every = None if known or busy else 1.0
    st.fragment(_line, run_every=every)(config, busy, every is not None)


def duration(seconds: float) -> str:
    """A time in words: 45 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 100 else f"{hours} h {rest} min"


def _line(config: TrainingConfig, busy: str | None, asked: bool) -> None:
    known = measure.known(config)
    if asked and (known or _running()):
        st.rerun()  # nobody need ask again
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
        if now:
            now.abandoned = True
        st.session_state["measurement"] = _Measurement(config)
    elif now.error:
        return f"time: could not be measured ({parts.literal(now.error)})"
    elif not now.begun:
        now.begin()
    return "time: measuring …"


def _running() -> str | None:
    """The name of a run that trains now or is about to, which would slow a measurement down."""
    return next((run.name for run in jobs.list_runs() if jobs.state(run) in LIVING), None)
