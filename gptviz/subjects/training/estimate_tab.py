"""What a run will take, said before it starts; its pace is measured beside the page."""

import threading

import streamlit as st

from gptviz import jobs, parameters
from gptviz.app import show
from gptviz.jobs import estimate, presets
from gptviz.jobs import pace as measure
from gptviz.jobs.presets import Preset
from gptviz.runs import LIVING, Run
from gptviz.subjects.training import about
from gptviz.training.config import TrainingConfig
from gptviz.training.data import TextInfo

FACTS = (
    "**{parameters:,}** parameters · about **{megabytes:,.0f} MB** of memory · **{tokens:,}** "
    "tokens a step · {time}"
)
MEASURED = "about **{time}**, as measured on this machine"
OF_RUN = "about **{time}**, by the pace of {run} on this machine"
BUSY = "time: not measured while {run} trains"
MEASURING = "time: measuring …"
LATE = "time: not measured yet, no step was done within {seconds:.0f} s; measuring again …"
FAILED = "time: could not be measured ({reason})"
TOKENS_A_PARAMETER = 20  # Hoffmann et al., 2022
READING = (
    "This run passes its text {about}{times}. The text has {ratio} tokens for each parameter of "
    "this model. {wanted} were found best for large models that read once (Hoffmann et al., 2022): "
    "by that, this text would do for {size} parameters."
)
WHAT_IT_CANNOT_SAY = (
    "Hoffmann et al. (2022), *Training Compute-Optimal Large Language Models*, asked how to spend "
    "a fixed amount of computing: about 20 tokens a parameter gave the lowest loss. Their models "
    "had 70 million parameters or more, and each read new text only. It does not say what is best "
    "for a model as small as these, for characters in place of pieces of words, or for a text that "
    "is read again and again; nor that a larger model would be worse: it learns more from each "
    "token, and may learn a short text by heart. Passes are a mean: windows begin at random places."
)
SIZE_HERE = "**{title}**: {words} About {time}, as measured on this machine."
SIZE_ELSEWHERE = "**{title}**: {words} About {time}, as measured on {where}."

_turn = threading.Lock()


class _Measurement:
    """Measures beside the page how long a step takes; the result is in measure.known."""

    def __init__(self, config: TrainingConfig):
        self.config, self.error = config, ""
        self.begun = self.abandoned = False
        self.deadline, self.late = measure.DEADLINE, 0.0  # which was too early, if one was

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
                measure.pace(self.config, self.deadline)
            except measure.BrokenOffError:  # by a run that began: it is measured after that
                self.begun = False
            except measure.TooLateError:  # on a busy machine, or of a large model
                self.late, self.deadline = self.deadline, 2 * self.deadline
                self.begun = False
            except (ValueError, OSError) as error:
                self.error = str(error)


def facts(config: TrainingConfig) -> None:
    """One line: parameters, memory, tokens a step, and about how long it takes."""
    runs = jobs.list_runs()
    found = _of_run(config, runs) or _known(config)
    busy = None if found else _running(runs)
    every = None if found or busy else 1.0
    st.fragment(_line, run_every=every)(config, found or busy)


def reading(config: TrainingConfig, text: TextInfo) -> None:
    """How often a run passes its text, and how large a model the text would suit."""
    parameters_here = parameters.count(config.model)
    st.caption(
        READING.format(
            about="about " if text.estimated else "",
            times=about.times(config.passes(text.train_tokens)),
            ratio=about.two_digits(text.train_tokens / parameters_here),
            wanted=TOKENS_A_PARAMETER,
            size=about.two_digits(text.train_tokens / TOKENS_A_PARAMETER),
        ),
        help=WHAT_IT_CANNOT_SAY,
    )


def duration(seconds: float) -> str:
    """A time in words: 45 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 100 else f"{hours} h {rest} min"


def of_size(preset: Preset, vocab_size: int) -> str:
    """What a size is and how long it took, here if it was measured here."""
    config = preset.config("", vocab_size)
    if known := measure.known(config):
        time = duration(known.seconds(config))
        return SIZE_HERE.format(title=preset.title, words=preset.words, time=time)
    time, where = duration(presets.SECONDS[preset.name]), presets.MEASURED_ON
    return SIZE_ELSEWHERE.format(title=preset.title, words=preset.words, time=time, where=where)


def _line(config: TrainingConfig, time: str | None) -> None:
    if time is None and (_known(config) or _running()):
        st.rerun()  # the answer is there: no need to look again
    st.markdown(
        FACTS.format(
            parameters=parameters.count(config.model),
            megabytes=estimate.memory(config).total / 1e6,
            tokens=config.tokens_per_step,
            time=time or _measured(config),
        )
    )


def _measured(config: TrainingConfig) -> str:
    """How the measurement goes. It begins when the settings have stayed the same for a second."""
    now: _Measurement | None = st.session_state.get("measurement")
    if now is None or now.config != config:
        if now:
            now.abandoned = True
        st.session_state["measurement"] = _Measurement(config)
        return MEASURING
    if now.error:
        return FAILED.format(reason=show.literal(now.error))
    if not now.begun:
        now.begin()
    return LATE.format(seconds=now.late) if now.late else MEASURING


def _known(config: TrainingConfig) -> str | None:
    known = measure.known(config)
    return MEASURED.format(time=duration(known.seconds(config))) if known else None


def _of_run(config: TrainingConfig, runs: list[Run]) -> str | None:
    """By the newest run of this machine whose steps take as long: it knows better than a trial."""
    for run in runs:
        if not run.is_shipped and (pace := measure.of_run(config, run)):
            time = duration(pace.seconds(config))
            return OF_RUN.format(time=time, run=show.literal(run.name))
    return None


def _running(runs: list[Run] | None = None) -> str | None:
    """A run that trains now or is about to would slow a measurement down: what to say then."""
    for run in jobs.list_runs() if runs is None else runs:
        if jobs.state(run) in LIVING:
            return BUSY.format(run=show.literal(run.name))
    return None
