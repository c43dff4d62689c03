"""What the pictures of a network show, in sentences made from their numbers."""

import math

import pandas as pd

from gptviz.app import show
from gptviz.app.glossary import term
from gptviz.jobs import health
from gptviz.jobs.health import Finding
from gptviz.jobs.vanishing import VANISHED
from gptviz.subjects.debugging import batch_analysis
from gptviz.subjects.debugging.batch_analysis import Course, Rows
from gptviz.subjects.debugging.figures import HEALTHY
from gptviz.subjects.debugging.gradient_analysis import whole_norm
from gptviz.training.config import TrainingConfig
from gptviz.training.record.metrics import COLUMNS, PARTS, History

CLIP = 1.0  # the usual limit
MOST_NAMED = 6
NEAR = 0.06  # nats
LEARNT = (
    "It knows the batch by heart: network, loss, gradient and optimiser work together. What is "
    "wrong with a long training, if anything, lies elsewhere: in the text, the size, the rate."
)
OF_LEARNT = {
    "not-shifted": "And yet it is broken: each target is the very token that is read, so it has "
    "only learnt to say it again. This test does not find every mistake. Be suspicious of a loss "
    "that falls too well, and let the model write."
}
NOT_LEARNT = (
    "Text and size cannot be to blame for that, so look for a mistake in the network, the loss or "
    "the loop."
)


def of_walk(table: pd.DataFrame, n_blocks: int) -> str:
    """How many modules a text passes, and how its shape changes."""
    first, last = table.iloc[0], table.iloc[-1]
    widest = table.iloc[int(table["numbers"].argmax())]
    after = (
        f", and after every one of the {n_blocks} blocks the shape is still that"
        if n_blocks
        else ""
    )
    return (
        f"On the way from ids to logits your text passes **{len(table)}** modules. "
        f"**{first['input']}** ids go in, each becomes a vector ({first['output']}){after}. Out "
        f"come **{last['output']}** logits. The most numbers at a time come out of "
        f"{widest['module']}: {widest['numbers']:,}."
    )


def of_record(table: pd.DataFrame, n_recorded: int) -> str:
    """Whether the hooks saw what the trace of the loaded model itself holds."""
    n = int(table["recorded"].sum())
    sign = "✅" if n == n_recorded else "❌"
    return f"{sign} {n} of the {n_recorded} tensors in this run's trace have these shapes."


def of_modules(table: pd.DataFrame, counted: int) -> str:
    """The size of the network, and whether counting by formula gives the same."""
    whole = int(table["parameters"].iloc[0])
    own = int((table["shapes"] != "").sum())
    sign = "✅" if whole == counted else "❌"
    return (
        f"**{len(table)}** modules, of which **{own}** have numbers of their own; the others only "
        f"compute, or give a tensor its name. {sign} All of them together have **{whole:,}** "
        f"parameters; the formulas of the page Anatomy give {counted:,}."
    )


def of_whole(table: pd.DataFrame) -> str:
    """The norm of the whole gradient beside the healthy range and the usual limit of clipping."""
    norm, (low, high) = whole_norm(table), HEALTHY
    if norm < low:
        place = f"below {low:g}: next to nothing is told to this network"
    elif norm > high:
        place = f"above {high:g}, which is usual for one short text: a batch of many pulls less"
    else:
        place = f"between {low:g} and {high:g}"
    clipped = (
        f"Clipping at {CLIP:g} would shorten it to {CLIP / norm:.1%} of its length."
        if norm > CLIP
        else f"Clipping at {CLIP:g} would leave it as it is."
    )
    return f"The norm of the whole gradient is **{norm:.3g}**, {place}. {clipped}"


def of_parts(parts: pd.DataFrame, norm: float) -> str:
    """Which parts lie outside the healthy range, and which get next to nothing."""
    low, high = HEALTHY
    below, above = parts[parts["norm"] < low], parts[parts["norm"] > high]
    inside = len(parts) - len(below) - len(above)
    lie = "lies" if inside == 1 else "lie"
    told = [f"Of {len(parts)} parts, **{inside}** {lie} between {low:g} and {high:g}"]
    told += [f"**{len(below)}** below ({_named(below)})"] if len(below) else []
    told += [f"**{len(above)}** above ({_named(above)})"] if len(above) else []
    learning = parts[parts["part"].str.endswith((".attn", ".mlp"))]
    gone = learning[learning["norm"] < VANISHED * norm] if norm > 0 else learning
    verdict = (
        f"⚠ The gradient {term('vanishing gradient', 'vanishes')}: {_named(gone)} get less than "
        f"{VANISHED:g} of the whole norm, and will not learn."
        if len(gone)
        else "No attention and no MLP is left without a gradient."
        if len(learning)
        else "There is no attention and no MLP that could be left without one."
    )
    return f"{', '.join(told)}. {verdict}"


def of_course(course: Course) -> str:
    """How it went, in bold, and what that means."""
    if not course.step:
        return ""
    first, now = course.losses[0], course.losses[-1]
    went = (
        f"Step {course.step}: the loss went from {first:.3f} to **{now:.3f}**; the least possible "
        f"is {course.least:.3f}."
    )
    if not course.is_over:
        return went
    if course.is_learnt:
        return f"✅ {went} {OF_LEARNT.get(course.case.fault, LEARNT)}"
    (finding, *_) = findings(course)
    return f"⚠ {went} **It has not learnt its batch.** {NOT_LEARNT} {_reason(course, finding)}"


def blind(rows: Rows) -> float:
    """What a guess costs that finds all tokens of a batch equally likely, in nats."""
    return math.log(batch_analysis.n_tokens(rows))


def findings(course: Course) -> list[Finding]:
    """What the rules for curves say of a course."""
    empty = dict.fromkeys((*COLUMNS, *PARTS), [math.nan] * course.step)
    found = {"step": range(1, course.step + 1), "train_loss": course.losses}
    found["grad_norm"] = course.norms
    columns = {
        name: pd.Series(values, dtype=float).to_numpy() for name, values in (empty | found).items()
    }
    assert course.model is not None
    config = TrainingConfig(course.model.config, "one batch", warmup_steps=0)
    return health.judge(History(columns), config, not course.is_number)


def _reason(course: Course, finding: Finding) -> str:
    """What the curve looks like, and where it stands."""
    counting = batch_analysis.counting(course.case.rows)
    if len(set(course.losses)) == 1:
        return (
            "The loss is the same to the last digit in every step: nothing changes the parameters. "
            "Is the optimiser's step taken, and does it have all parameters?"
        )
    if abs(course.losses[-1] - counting) < NEAR:
        return (
            f"It stands at {counting:.2f}, which is what counting the tokens of the batch reaches: "
            f"what comes in does not reach what comes out, or does not belong to it."
        )
    return f"{health.TITLES[finding.rule]}: {show.literal(finding.evidence)}"


def _named(parts: pd.DataFrame) -> str:
    names = parts["part"].tolist()
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
