"""The tab Experiments of Training: variants in their order, and their curves beside each other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from accounts import health
from accounts.beside import bits, curves
from accounts.common import Expected, Read, numbered
from accounts.learnt import Learnt, learn

# By variant, what is changed of the run that all others come from. The first experiment has three
# sizes and one text in the same tokens; in the second, tokens differ.
USUAL = {"block_size": 8, "n_layer": 1, "n_head": 3, "n_embd": 6, "steps": 30, "eval_interval": 10}
SIZES: dict[str, dict[str, Any]] = {
    "baseline": {},
    "double-rate": {"learning_rate": 0.04, "n_embd": 12},
    "two layers": {"n_layer": 2, "learning_rate": 0.3, "precision": "auto", "patience": 2},
}
TOKENS: dict[str, dict[str, Any]] = {
    "baseline": {"n_embd": 3},
    "stage-bpe": {"n_embd": 3, "tokenizer": "bpe", "bpe_vocab_size": 270},
}
CALLED = {"double-rate": "twice the rate", "stage-bpe": "BPE"}  # on the screen


@dataclass(frozen=True)
class Tried:
    """Two experiments in one folder."""

    root: Path
    sizes: Mapping[str, Learnt]
    tokens: Mapping[str, Learnt]

    @property
    def early(self) -> Learnt:
        """A run that ended before all its steps were done, in a way that it chose by trials."""
        return self.sizes["two layers"]


def tried(root: Path) -> Tried:
    """Have the runs of both experiments take place in a folder."""
    return Tried(root, experiment(root, "sizes", SIZES), experiment(root, "tokens", TOKENS))


def experiment(root: Path, name: str, variants: Mapping[str, Mapping]) -> dict[str, Learnt]:
    """Runs that say that they belong together."""
    found = {}
    for number, (variant, changes) in enumerate(variants.items()):
        run = learn(root, f"{name}, {CALLED.get(variant, variant)}", **{**USUAL, **changes})
        about = {"id": name, "name": name, "variant": variant, "number": number}
        (run.folder / "experiment.json").write_text(json.dumps(about), encoding="utf-8")
        found[variant] = run
    changed = {"rates": [{"step": 12, "learning_rate": 0.015}, {"step": 20, "learning_rate": 1e-5}]}
    (found["baseline"].folder / "rates.json").write_text(json.dumps(changed), encoding="utf-8")
    return found


def ranked(runs: Mapping[str, Learnt]) -> Expected:
    """The variants from the best to the worst, as a picture and as two tables."""
    of_bits = len({run.config["tokenizer"] for run in runs.values()}) > 1
    best = {variant: run.validations[1].min() for variant, run in runs.items()}
    measured = {v: bits(runs[v], loss) for v, loss in best.items()} if of_bits else best
    order = sorted(runs, key=measured.__getitem__)
    losses, ordered = [measured[v] for v in order], [runs[v] for v in order]
    columns = {
        "rank": range(1, len(order) + 1),
        "best_val_loss": [best[variant] for variant in order],
        "beside_baseline": np.array(losses) - measured["baseline"],
        "best_step": [run.results()["best_step"] for run in ordered],
        "steps": [run.steps for run in ordered],
        "seconds": [run.column("seconds")[-1] for run in ordered],
        "variant": numbered(order),
    }
    columns |= {"best_bits_per_byte": losses} if of_bits else {}
    names = [f"{i}  {CALLED.get(variant, variant)}" for i, variant in enumerate(order, 1)]
    shown: dict[str, Any] = {
        "ranking.0.x": losses,
        "ranking.0.y": names,
        "ranking.0.text": [(loss,) for loss in losses],
        "ranking.shapes": [measured["baseline"]] * 2 + [0, 1],
    }
    for table in ("ranking_table", "ranked"):
        shown |= {f"{table}.{name}": values for name, values in columns.items() if len(values)}
    return [("The lowest validation loss that each variant has reached", len(runs))], shown


def look(read: Read, tried: Tried, name: str) -> None:
    """The whole tab with one of the experiments chosen, below the run that ended early."""
    runs = getattr(tried, name)
    numbers = ("metrics", "ranking", "experiment_curves", "experiment_curves_by_size")
    tabs = {"tab": "health", "runs_tab": "experiments"}
    page = read(tried.early.folder, numbers, chosen={"experiment": name}, **tabs)
    around = tried.early.above, health.early(tried.early)
    page.holds(*around, ranked(runs), curves("experiment_curves", [*runs.values()]))


VIEWS = {name: partial(look, name=name) for name in ("sizes", "tokens")}
