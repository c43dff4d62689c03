"""More steps, or more patience, for a run that has ended or was stopped."""

from dataclasses import replace

from gptviz.disk import write_json
from gptviz.runs import Run
from gptviz.setting import SettingError
from gptviz.training import patience as early
from gptviz.training.record import metrics


def lengthen(run: Run, steps: int | None = None, patience: int | None = None) -> Run:
    """Let a run go on to so many steps in all, with that patience; the run as it is from now on.

    None leaves a setting as it is. The learning rate of all steps that were planned before stays
    what it was, and the steps after them keep the last one: so the run follows the very curve of
    one that had decay_steps from the start. Raises ValueError for a run that trains or ships, for
    settings that cannot work, and where nothing would be left to do.
    """
    run.require_own()
    with run.locked():
        before = run.config
        taken = run.status.get("last_step", max(run.checkpoints, default=0))
        now = before if steps is None else replace(before, steps=steps)
        planned = before.steps > before.warmup_steps and not before.decay_steps
        if now.steps != before.steps and planned:
            now = replace(now, decay_steps=before.steps)
        if patience is not None:
            now = replace(now, patience=patience)
        _require_something_to_do(run, taken, now.steps)
        waited = early.waited(metrics.read(run.folder), now)
        if 0 < now.patience <= waited:
            raise SettingError(
                f"{run.name} ended early: {waited} validations in a row brought no new best one; "
                f"to go on, give a {{patience}} above {waited}, or 0 for any"
            )
        write_json(run.folder / "config.json", now.to_dict())
        if run.status.get("state") == "done":
            run.update_status({"state": "stopped", "stopped_early": False})
    return Run(run.folder)


def _require_something_to_do(run: Run, taken: int, steps: int) -> None:
    if steps <= taken:
        raise SettingError(
            f"{run.name} has taken {taken} steps and {{steps}} is {steps}, of which nothing is "
            f"left; give it more than {taken}"
        )
