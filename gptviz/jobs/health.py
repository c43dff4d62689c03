"""What a run's curve says about its settings: a few rules, each with its evidence in numbers.

The rules read the curve, and one the gradients of the layers, where a run has measured them. Each
is a rule of thumb; its evidence says what was seen.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gptviz.jobs import vanishing
from gptviz.training.record.metrics import History

if TYPE_CHECKING:
    from gptviz.training.config import TrainingConfig
    from gptviz.training.record.gradients import RecordedNorms

Rule = Literal[
    "too-early",
    "rate-too-high",
    "rate-too-low",
    "stuck",
    "vanishing",
    "overfitting",
    "clipping",
    "healthy",
]
TITLES: dict[Rule, str] = {
    "too-early": "Too early",
    "rate-too-high": "Rate too high",
    "rate-too-low": "Rate too low",
    "stuck": "Stuck",
    "vanishing": "Vanishing gradients",
    "overfitting": "Overfitting",
    "clipping": "Clipping",
    "healthy": "Healthy",
}

FEWEST_STEPS = 50  # a shorter curve says nothing yet; nor does one that is still warming up
WINDOW = 20  # steps whose mean stands for the loss at one place
OUTBURST = 0.5  # nats above its start: the loss of a healthy run stays below that
RISE = 0.2  # of the whole fall: a loss that climbed back by more than this has risen
SPIKE = 0.5  # nats above the median of the steps around
SPIKES = 3
SLOW_AFTER = 100  # steps after the warm-up, until "hardly moves" can be said
HARDLY_MOVES = 0.3  # a fall by less than this share of the first loss
FELL_AT_FIRST = 0.1  # of the first loss: a smaller fall means that learning has not begun
STANDS = 0.1  # of the whole fall: less than this in half of the steps is a standstill
OVERFIT_RISE = 0.05  # nats above the best validation loss: less may be chance
CLIPPED_TO = 2.0  # times the limit: clipping halves a gradient of that length
MOST = 0.5  # share of the steps
RECENT = 200  # steps that clipping and vanishing gradients are judged on
DIVERGED = "It ended, for its loss or its gradient was no longer a number."
STEPS_DONE = "Steps done: {done}. The curve is judged after {needed}."
AFTER_LESSONS = "Steps after the lessons in copying: {done}. The curve is judged after {needed}."
TOO_HIGH = "The learning rate is too high: a correction overshoots. Try a third of it."


@dataclass(frozen=True)
class Finding:
    """One rule that applies, what it means, and the numbers that say so."""

    rule: Rule
    verdict: str
    evidence: str


def judge(
    history: History,
    config: "TrainingConfig",
    diverged: bool = False,
    layers: "RecordedNorms | None" = None,
) -> list[Finding]:
    """The rules that apply to a run so far, at least one; losses are in nats a token.

    diverged says that the run ended with a loss of NaN, which is not part of a curve. layers are
    the norms of its parts; without them nothing is said of gradients that vanish.
    Lessons in copying are not judged: their loss is not that of the text, and rises as they get
    harder.
    """
    history = history.after(config.copy_steps)
    warmup_steps = max(0, config.warmup_steps - config.copy_steps)
    loss, steps = history["train_loss"], history["step"]
    evidence = DIVERGED if diverged else _overshoots(loss, steps)
    if evidence:
        return [Finding("rate-too-high", TOO_HIGH, evidence)]
    needed = max(FEWEST_STEPS, warmup_steps + WINDOW)
    if len(history) < needed:
        evidence = AFTER_LESSONS if config.copy_steps else STEPS_DONE
        evidence = evidence.format(done=len(history), needed=needed)
        return [Finding("too-early", "It is too early to say how the run goes.", evidence)]
    overfitting, slow = _overfitting(history), _slow(loss, warmup_steps)
    vanished = _vanishing(layers, int(steps[-1]) - RECENT) if layers else None
    if slow and not overfitting:
        # Clipping says nothing then: its gradients are as long as at the start.
        return [slow, vanished] if vanished else [slow]
    clipping = _clipping(history["grad_norm"][warmup_steps:], config.gradient_clip)
    found = (vanished, overfitting, clipping)
    return [finding for finding in found if finding] or [_healthy(history)]


def _overshoots(loss: np.ndarray, steps: np.ndarray) -> str:
    return _outburst(loss, steps) or _rise(loss, steps) or _spikes(loss, steps)


def _outburst(loss: np.ndarray, steps: np.ndarray) -> str:
    if not len(loss) or loss.max() < loss[0] + OUTBURST:
        return ""
    worst = int(loss.argmax())
    return (
        f"The training loss began at {loss[0]:.2f} and went up to {loss[worst]:.2f} at step "
        f"{steps[worst]:.0f}: worse than before anything was learnt."
    )


def _rise(loss: np.ndarray, steps: np.ndarray) -> str:
    if len(loss) < 2 * WINDOW:
        return ""
    means = _means(loss)
    lowest = int(means.argmin())
    low, now = means[lowest], means[-1]
    if now - low <= max(RISE * (loss[0] - low), SPIKE / 2):
        return ""
    return (
        f"The training loss was down to {low:.2f} at step {steps[lowest + WINDOW - 1]:.0f} "
        f"and is {now:.2f} now."
    )


def _spikes(loss: np.ndarray, steps: np.ndarray) -> str:
    if len(loss) < 2 * WINDOW:
        return ""
    around = np.lib.stride_tricks.sliding_window_view(loss, WINDOW)
    usual = np.median(around, axis=1)[:-1]  # of the WINDOW steps before each
    high = np.flatnonzero(loss[WINDOW:] > usual + SPIKE) + WINDOW
    if len(high) < SPIKES:
        return ""
    named = ", ".join(f"{steps[i]:.0f}" for i in high[-SPIKES:])
    return (
        f"The training loss jumped by more than {SPIKE} above its usual value at {len(high)} "
        f"steps, lately at {named}."
    )


def _slow(loss: np.ndarray, warmup_steps: int) -> Finding | None:
    """A loss that has fallen little: slowly, or no longer."""
    if len(loss) < warmup_steps + SLOW_AFTER:
        return None
    first, now = loss[0], loss[-WINDOW:].mean()
    fall = first - now
    if fall >= HARDLY_MOVES * first:
        return None
    half = len(loss) // 2
    late = loss[half - WINDOW // 2 : half + WINDOW // 2].mean() - now
    if fall > FELL_AT_FIRST * first and late < STANDS * fall:
        return Finding(
            "stuck",
            "The loss fell a little at first and stands still now. Try a third of the rate, a "
            "longer warm-up, fewer layers, or norms before each part.",
            f"In {len(loss)} steps the training loss went from {first:.2f} to {now:.2f}; "
            f"{max(late, 0):.2f} of it since step {half}.",
        )
    return Finding(
        "rate-too-low",
        "The loss hardly moves: the learning rate is probably too low, or the text has no pattern "
        "that is easy to find. Try ten times the rate.",
        f"In {len(loss)} steps the training loss went from {first:.2f} to {now:.2f}.",
    )


def _overfitting(history: History) -> Finding | None:
    steps, losses = history.validations
    if len(losses) < 4:
        return None
    best = int(losses.argmin())
    now = losses[-2:].mean()  # one validation alone may be chance
    if best > len(losses) - 3 or now < losses[best] + OVERFIT_RISE:
        return None
    # The training loss of a step is one batch's: compare means over as many steps on each side.
    since = np.searchsorted(history["step"], steps[best], side="right")
    train = history["train_loss"]
    n = min(2 * WINDOW, since, len(train) - since)
    then, today = train[since - n : since].mean(), train[-n:].mean()
    if today >= then:
        return None
    return Finding(
        "overfitting",
        "The model learns its text by heart: it gets better at what it has seen and worse at "
        "what it has not. Stop here, or take more text, more dropout or a smaller model.",
        f"Since step {steps[best]:.0f} the validation loss has risen from {losses[best]:.2f} to "
        f"{now:.2f}, while the training loss fell from {then:.2f} to {today:.2f}.",
    )


def _vanishing(layers: "RecordedNorms", after: int) -> Finding | None:
    evidence = vanishing.evidence(layers, after)
    if not evidence:
        return None
    return Finding(
        "vanishing",
        "Some layers get next to no gradient, so they do not learn. Put norms before each part, "
        "keep the shortcuts, or take fewer layers.",
        evidence,
    )


def _clipping(norms: np.ndarray, limit: float) -> Finding | None:
    norms = norms[-RECENT:]
    norms = norms[np.isfinite(norms)]  # float16 leaves steps out
    share = float((norms > CLIPPED_TO * limit).mean()) if len(norms) else 0.0
    if share <= MOST:
        return None
    return Finding(
        "clipping",
        "Most gradients are shortened a good deal before they are followed, so the limit decides "
        "how far a step goes. Raise the limit, or warm up longer.",
        f"Of the last {len(norms)} gradients {share:.0%} were over {CLIPPED_TO:g} times the limit "
        f"of {limit:g}; half of them were longer than {np.median(norms):.2f}.",
    )


def _healthy(history: History) -> Finding:
    loss = history["train_loss"]
    first, now = f"{loss[0]:.2f}", f"{loss[-WINDOW:].mean():.2f}"
    steps, losses = history.validations
    if len(losses):
        evidence = (
            f"The training loss fell from {first} to {now}; the validation loss was "
            f"{losses[-1]:.2f} at step {steps[-1]:.0f}."
        )
    else:
        evidence = f"The training loss fell from {first} to {now}."
    return Finding("healthy", "The run looks healthy: no rule found a fault.", evidence)


def _means(loss: np.ndarray) -> np.ndarray:
    """Mean of each WINDOW steps in a row, (N − WINDOW + 1,)."""
    return np.lib.stride_tricks.sliding_window_view(loss, WINDOW).mean(axis=1)
