"""Whose run it is: who may change one, and which ones a visitor of a class may start.

A page leaves out what its visitor may not do; whatever it does asks here once more, for what a
browser sends is not always what its page offered.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from gptviz import jobs, parameters
from gptviz.app import visitors
from gptviz.app.visitors import Visitor
from gptviz.jobs import slot
from gptviz.quoting import quoted
from gptviz.runs import LIVING, Run, lock
from gptviz.training.config import TrainingConfig

LONGEST_START = 20.0  # seconds for which others may be starting a run first
NOT_YOURS = (
    "it belongs to another browser. You can watch it and clone its settings; only that browser "
    "and the teacher's change it"
)
NOT_A_BROWSER_S = (
    "it was started at the server's own machine. You can watch it and clone its settings; only the "
    "teacher's browser changes it"
)
NO_COOKIE = (
    "this browser keeps no cookie of gptviz, so a run of it would belong to nobody; allow cookies "
    "for this address and load the page again"
)
NO_TRAINING = (
    "visitors of this class watch runs and start none; ask the teacher to start one, or to let "
    "visitors train"
)
NO_UPLOADS = (
    "a text of your own came, and visitors of this class learn from those that are here; choose "
    "one of them, or ask the teacher to add yours"
)
NO_UPLOADS_HERE = (
    "Visitors of this class learn from the texts that are here; ask the teacher to add yours."
)
TOO_LARGE = (
    "this run's model has {came:,} parameters, and visitors of this class train up to {most:,}; "
    "choose a smaller size, or ask the teacher"
)
TOO_LONG = (
    "this run takes {came:,} steps, and visitors of this class train for up to {most:,}; set "
    "fewer steps, or ask the teacher"
)
TOO_MUCH = (
    "a step of this run reads {came:,} tokens, and visitors of this class read up to {most:,}; "
    "choose a smaller batch or context, or ask the teacher"
)
HAS_ONE = (
    "your run {run} is not finished, and each visitor of this class may have one such run; wait "
    "for its end, stop it, or ask the teacher"
)
ONE_AT_A_TIME = (
    "this starts {came} runs at once, and each visitor of this class may have one that is not "
    "finished; press Start for one of them, or ask the teacher"
)
NOT_THEIR_TEXT = "a kept text is deleted by the teacher's browser only; ask the teacher"
TEXTS_STAY = "Only the teacher's browser deletes them; ask the teacher."


def is_mine(run: Run) -> bool:
    """Whether the visitor's browser started it, where browsers are told apart."""
    visitor = visitors.here()
    return bool(visitor.id) and run.owner == visitor.id


def why_not_change(run: Run) -> str:
    """Why the visitor may not change a run, to be read after its name; empty if they may."""
    if visitors.here().is_trusted or is_mine(run):
        return ""
    return NOT_YOURS if run.owner else NOT_A_BROWSER_S


def owners(deed: Callable[[Run], None]) -> Callable[[Run], None]:
    """A deed that raises ValueError in words for whoever may not change the run."""

    @functools.wraps(deed)
    def done(run: Run) -> None:
        if why := why_not_change(run):
            raise ValueError(f"the run {quoted(run.name)} is not changed: {why}")
        deed(run)

    return done


def may_train() -> bool:
    """Whether the visitor may train at all."""
    visitor, limits = visitors.here(), visitors.limits()
    return visitor.is_trusted or (bool(visitor.id) and (limits is None or limits.training))


def why_not_train(config: TrainingConfig | None = None, but: Run | None = None) -> str:
    """Why the visitor may not train now, or not with these settings; empty if they may.

    but: a run of theirs that does not count, since it is the one to go on.
    """
    visitor, limits = visitors.here(), visitors.limits()
    if not visitor.is_trusted and not visitor.id:
        return NO_COOKIE
    if limits is None:
        return ""
    if not limits.training:
        return NO_TRAINING
    if run := _unfinished(visitor, but):
        return HAS_ONE.format(run=quoted(run.name))
    if config is None:
        return ""
    if config.steps > limits.max_steps:
        return TOO_LONG.format(came=config.steps, most=limits.max_steps)
    if config.tokens_per_step > limits.max_tokens:
        return TOO_MUCH.format(came=config.tokens_per_step, most=limits.max_tokens)
    if (came := parameters.count(config.model)) > limits.max_parameters:
        return TOO_LARGE.format(came=came, most=limits.max_parameters)
    return ""


def start(config: TrainingConfig, name: str, preset: str = "") -> Run:
    """As `jobs.start`, for the visitor. Raises ValueError in words, too, if they may not."""
    with _one_start_at_a_time():
        _require(why_not_train(config))
        return jobs.start(config, name, preset=preset, owner=visitors.here().id)


def resume(run: Run) -> None:
    """As `jobs.resume`, for the visitor. Raises ValueError in words, too, if they may not."""
    with _one_start_at_a_time():
        _require(why_not_train(run.config if visitors.limits() else None, but=run))
        owners(jobs.resume)(run)


def lengthen(run: Run, steps: int, patience: int) -> None:
    """As `jobs.lengthen`, for the visitor. Raises ValueError in words, too, if they may not."""
    with _one_start_at_a_time():
        longer = replace(run.config, steps=steps, patience=patience)
        _require(why_not_train(longer if visitors.limits() else None, but=run))
        owners(lambda own: jobs.lengthen(own, steps, patience))(run)


def why_not_many(n_runs: int) -> str:
    """Why the visitor may not start so many runs at once; empty if they may."""
    if n_runs > 1 and visitors.limits():
        return why_not_train() or ONE_AT_A_TIME.format(came=n_runs)
    return why_not_train()


def require_many(n_runs: int) -> None:
    """Raise ValueError in words if the visitor may not start so many runs at once."""
    _require(why_not_many(n_runs))


def may_send_texts() -> bool:
    """Whether the visitor may upload or paste a text to learn from."""
    limits = visitors.limits()
    return limits is None or (limits.training and limits.uploads)


def require_may_send_texts() -> None:
    """Raise ValueError in words for a visitor who may not."""
    _require("" if may_send_texts() else NO_UPLOADS)


def may_delete_texts() -> bool:
    """Whether the visitor may delete texts that were sent, by whomever."""
    return visitors.here().is_trusted


def require_may_delete_texts() -> None:
    """Raise ValueError in words for a visitor who may not."""
    _require("" if may_delete_texts() else NOT_THEIR_TEXT)


def _unfinished(visitor: Visitor, but: Run | None) -> Run | None:
    for run in jobs.list_runs():
        counts = run.owner == visitor.id and (but is None or run.folder != but.folder)
        if counts and jobs.state(run) in (*LIVING, "paused"):
            return run
    return None


@contextmanager
def _one_start_at_a_time() -> Iterator[None]:
    """So that two pages of one visitor, in two processes even, do not start a run each at once."""
    if visitors.limits() is None:
        yield
        return
    slot.folder().mkdir(parents=True, exist_ok=True)
    with lock.held(slot.folder() / "start.lock", LONGEST_START):
        yield


def _require(refusal: str) -> None:
    if refusal:
        raise ValueError(refusal)
