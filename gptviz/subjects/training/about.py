"""What the page says of a run in words: what it reads, its shape, and how far it has come."""

import math
from pathlib import Path
from typing import Any

from gptviz.app import show
from gptviz.runs import Run, State, Status
from gptviz.runs.compare import RECENT, Fall, epochs
from gptviz.training.record.metrics import History


def passes(run: Run, state: State, status: Status, done: int) -> str:
    """How often a run has passed its text, and will have at its end; "" if it does not say."""
    if "train_tokens" not in status:
        return ""
    try:
        steps = run.config.steps
    except ValueError:  # another version wrote its settings
        return ""
    so_far, whole = epochs(run, done), epochs(run, steps)
    if state == "done":
        return f"It has passed its text {times(so_far)}."
    return f"It has passed its text {times(so_far)}, of {times(whole)} in all."


def times(n: float) -> str:
    """How often something is done: 0.34 times, 3.2 times, 1,500 times."""
    return f"{two_digits(n)} times"


def two_digits(n: float) -> str:
    """A number of which only the first two digits count, without an exponent."""
    rounded = float(f"{n:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:.10f}".rstrip("0").rstrip(".")


def fall(course: History, lessons: int) -> str:
    """How far the losses of a run have come, in numbers; "" before its first step on its text."""
    found = Fall.of(course, lessons)
    if math.isnan(found.first):
        return ""
    words = (
        f"Training loss: {found.first:.3f} at step {lessons + 1:,}, {found.train_loss:.3f} now "
        f"(mean of the last {RECENT} steps), {found.reduction:.0%} less."
    )
    if math.isnan(found.gap):
        return words
    means = "it has not seen this text" if found.gap > 0 else "no harder, though not seen before"
    return (
        f"{words} Validation loss: {found.val_loss:.3f}, a gap of {found.gap:+.3f} ({means})."
    ).replace("-", "\N{MINUS SIGN}")


def practice(settings: dict[str, Any]) -> str:
    """What the training loss holds beside that of the text; nothing for a run that only reads."""
    steps, share = settings.get("copy_steps"), settings.get("repeat_share")
    told: list[str] = []
    if steps:
        told.append(
            f"The first {steps:,} steps are lessons in copying: their loss is that of random "
            "tokens said again, not that of the text."
        )
    if steps and share:
        told.append(
            f"Of what later steps read, {share:.1%} is such practice: it counts in the training "
            "loss, not in the validation loss."
        )
    elif share:
        told.append(
            f"Of what it reads, {share:.1%} is practice in copying: it counts in the training "
            "loss, not in the validation loss."
        )
    return " ".join(told)


def shape(settings: dict[str, Any]) -> str:
    """What a run reads and the shape of its model, in a line of Markdown."""
    model = settings["model"]
    has_attention = model.get("attention", True) and model.get("n_layer") != 0
    heads = f"heads {model.get('n_head')}" if has_attention else "no attention"
    return (
        f"It reads {show.literal(Path(settings['data']).name)}; layers {model.get('n_layer')}, "
        f"{heads}, width {model.get('n_embd')}, context {model.get('block_size')}"
    )
