"""Several runs that differ in one setting each, queued as one and ranked."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gptviz import jobs
from gptviz.disk import read_json, write_json
from gptviz.jobs import build_up
from gptviz.jobs.presets import Preset
from gptviz.runs import LIVING, Run, compare, names
from gptviz.training.config import Schedule, TrainingConfig
from gptviz.training.record import metrics

FILE = "experiment.json"  # in the folder of each of an experiment's runs
BASELINE = "baseline"
TITLES = {
    BASELINE: "baseline",
    "half-rate": "half the rate",
    "double-rate": "twice the rate",
    "weak-regularisation": "weak regularisation",
    "strong-regularisation": "strong regularisation",
    "constant": "a constant rate",
    "linear": "a straight line",
    "cosine": "a cosine",
    "stairs": "stairs",
    "warmup-linear": "warm-up and line",
    "warmup-cosine": "warm-up and cosine",
    **{
        preset.name: preset.title
        for series in (build_up.STAGES, *build_up.SHAPES.values())
        for preset in series
    },
}
NAME = "{experiment}, {variant}"  # of a run
FEWEST = 2  # runs that can be compared


@dataclass(frozen=True)
class Experiment:
    """Runs that were queued together, by what each of them tries."""

    id: str
    name: str
    runs: Mapping[str, Run]  # by variant, in the order in which they were queued


def variants(config: TrainingConfig) -> dict[str, TrainingConfig]:
    """By the keys of TITLES: the baseline, half and twice its rate, weak and strong dropout."""
    return {
        BASELINE: config,
        "half-rate": _rate(config, 0.5),
        "double-rate": _rate(config, 2.0),
        "weak-regularisation": _regularised(config, dropout=0.0, weight_decay=0.0),
        "strong-regularisation": _regularised(config, dropout=0.3, weight_decay=0.5),
    }


def schedules(config: TrainingConfig) -> dict[str, TrainingConfig]:
    """By the keys of TITLES: six ways of the rate from the first step to the last.

    Where the settings have no warm-up, those with one rise over a twentieth of the steps.
    """
    warmup = config.warmup_steps or max(1, config.steps // 20)
    kinds: dict[str, tuple[Schedule, int]] = {
        "constant": ("constant", 0),
        "linear": ("linear", 0),
        "cosine": ("cosine", 0),
        "stairs": ("step", 0),
        "warmup-linear": ("linear", warmup),
        "warmup-cosine": ("cosine", warmup),
    }
    return {
        name: replace(config, schedule=schedule, warmup_steps=steps)
        for name, (schedule, steps) in kinds.items()
    }


def start(
    name: str,
    settings: Mapping[str, TrainingConfig],
    root: Path | None = None,
    owner: str = "",
) -> Experiment:
    """Queue a run for each of the settings, in their order; owner is the browser's they belong to.

    Raises ValueError for fewer than two, a name that cannot be a folder's and a full queue, OSError
    if there is no room; what was queued before an error is stopped again.
    """
    return _queue(name, settings, root, owner, presets=())


def start_presets(
    name: str, presets: Sequence[Preset], text: Path, root: Path | None = None, owner: str = ""
) -> Experiment:
    """Queue a run of each preset on a text file, as `start` does; each is a run of its preset.

    Raises as `start`, and in words if the text cannot be used.
    """
    settings = {preset.name: preset.on(text) for preset in presets}
    return _queue(name, settings, root, owner, presets=tuple(settings))


def _queue(
    name: str,
    settings: Mapping[str, TrainingConfig],
    root: Path | None,
    owner: str,
    presets: Sequence[str],
) -> Experiment:
    """The work of `start`; presets are the variants that are runs of a preset of that name."""
    if len(settings) < FEWEST:
        raise ValueError(f"{len(settings)} settings came; an experiment compares at least {FEWEST}")
    name, experiment_id = names.checked(name), uuid.uuid4().hex[:12]
    called = {
        variant: names.checked(NAME.format(experiment=name, variant=TITLES.get(variant, variant)))
        for variant in settings
    }
    started: dict[str, Run] = {}
    try:
        for number, (variant, config) in enumerate(settings.items()):
            preset = variant if variant in presets else ""
            run = jobs.start(config, called[variant], root, preset=preset, owner=owner)
            started[variant] = run
            about = {"id": experiment_id, "name": name, "variant": variant, "number": number}
            write_json(run.folder / FILE, about)
    except (OSError, ValueError):
        for run in started.values():
            if jobs.state(run) in LIVING:
                jobs.stop(run)
        raise
    return Experiment(experiment_id, name, started)


def list_experiments(runs: Sequence[Run]) -> list[Experiment]:
    """The experiments to which some of the runs belong, in the order of the runs."""
    found: dict[str, list[tuple[int, str, str, Run]]] = {}
    for run in runs:
        about = _about(run)
        if about:
            found.setdefault(about["id"], []).append(
                (about["number"], about["variant"], about["name"], run)
            )
    return [
        Experiment(
            experiment_id,
            members[0][2],
            {variant: run for _, variant, _, run in sorted(members, key=lambda item: item[0])},
        )
        for experiment_id, members in found.items()
    ]


def ranking(experiment: Experiment) -> pd.DataFrame:
    """A row a run, the lowest validation loss first; those without one come last, unranked.

    Losses are in nats a token. Where the runs have different tokenizers, whose losses do not
    compare, best_bits_per_byte is there, and ranks. beside_baseline is what ranks, minus the
    baseline's: below 0 is better than it. A difference of a few hundredths may be chance: another
    seed also changes the losses.
    """
    rows = []
    for variant, run in experiment.runs.items():
        course = metrics.read(run.folder)
        steps, losses = course.validations
        best = int(losses.argmin()) if len(losses) else None
        rows.append(
            {
                "variant": variant,
                "state": jobs.state(run),
                "best_val_loss": np.nan if best is None else losses[best],
                "best_step": None if best is None else int(steps[best]),
                "steps": len(course),
                "seconds": course["seconds"][-1] if len(course) else np.nan,
            }
        )
    table, measure = pd.DataFrame(rows), "best_val_loss"
    if len({_tokenizer(run) for run in experiment.runs.values()}) > 1:
        measure = "best_bits_per_byte"
        bits = map(compare.bits, experiment.runs.values(), table["best_val_loss"])
        table.insert(2, measure, list(bits))
    table = table.sort_values(measure, kind="stable")
    best = table[measure]
    baseline = best[table["variant"] == BASELINE]
    if len(baseline):
        table.insert(3, "beside_baseline", best - baseline.iloc[0])
    ranks = best.rank(method="min")
    table.insert(0, "rank", [None if np.isnan(rank) else int(rank) for rank in ranks])
    return table.reset_index(drop=True)


def _rate(config: TrainingConfig, factor: float) -> TrainingConfig:
    return replace(
        config,
        learning_rate=factor * config.learning_rate,
        min_learning_rate=factor * config.min_learning_rate,
    )


def _regularised(config: TrainingConfig, dropout: float, weight_decay: float) -> TrainingConfig:
    model = replace(config.model, embd_pdrop=dropout, attn_pdrop=dropout, resid_pdrop=dropout)
    return replace(config, model=model, weight_decay=weight_decay)


def _tokenizer(run: Run) -> tuple[object, ...]:
    """What decides the pieces in which a run counts its loss."""
    return tuple(run.settings.get(name) for name in ("tokenizer", "bpe_vocab_size"))


def _about(run: Run) -> dict | None:
    try:
        about = read_json(run.folder / FILE)
    except (OSError, ValueError):  # not part of an experiment
        return None
    expected = {"id": str, "name": str, "variant": str, "number": int}
    good = all(isinstance(about.get(key), kind) for key, kind in expected.items())
    return about if good else None
