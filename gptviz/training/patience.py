"""Early stopping: a run ends when validation has not improved for so many evaluations.

Its best checkpoint is kept, whichever came last (see gptviz.training.record.checkpoints).
"""

from collections.abc import Sequence

from gptviz.runs import Run
from gptviz.training.config import TrainingConfig
from gptviz.training.record import metrics
from gptviz.training.record.metrics import History


def counts(step: int, config: TrainingConfig) -> bool:
    """Whether a validation after this step is one that patience counts.

    A stop validates, too. So that a stop changes nothing, only the regular validations count, and
    none during the lessons in copying, which teach nothing of the text.
    """
    return step % config.eval_interval == 0 and step > config.copy_steps


def since_best(losses: Sequence[float]) -> int:
    """How many validations in a row were no better than the best one before them."""
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def is_used_up(losses: Sequence[float], patience: int) -> bool:
    """Whether a run of this patience ends; one of 0 never does so."""
    return 0 < patience <= since_best(losses)


def waited(course: History, config: TrainingConfig) -> int:
    """For how many validations a run has waited for a new best one."""
    steps, losses = course.validations
    pairs = zip(steps.astype(int).tolist(), losses.tolist(), strict=True)
    return since_best([loss for step, loss in pairs if counts(step, config)])


def ended_early(run: Run) -> str:
    """Why a run has fewer steps than were planned, to be read after its name; else empty."""
    status = run.status
    if not status.get("stopped_early"):
        return ""
    words = f"ended early: {run.settings.get('patience')} validations in a row brought no new best"
    if "best_val_loss" not in status:
        return words
    best, step = status["best_val_loss"], status.get("best_step", 0)
    return f"{words}, and the best one, {best:.4f} at step {step:,}, is kept"


def waits(run: Run) -> str:
    """How long a run with patience has waited for a new best validation, in words; else empty."""
    try:
        config = run.config
    except ValueError:  # another version wrote them
        return ""
    if not config.patience:
        return ""
    n = waited(metrics.read(run.folder), config)
    return (
        f"{n} of {config.patience} validations in a row without a new best, after which it ends"
        if n
        else f"it ends after {config.patience} validations in a row without a new best"
    )
