"""The tabs Failure gallery and Induction lesson of Training: the runs that ship, by their files."""

import json
import shutil
from functools import cache, partial
from pathlib import Path

import numpy as np

from accounts import induction
from accounts.beside import curves
from accounts.common import Expected, Read
from accounts.form import of_the_form
from accounts.fresh import PLAYS
from accounts.learnt import Learnt
from accounts.recorded import Recorded
from accounts.training import PASSAGE, covered

SHIPPED = Path(__file__).parents[3] / "checkpoints" / "gallery"
READS = {"too-little-data": 3000, "no-dropout": 15_000, "little-text-dropout": 15_000}  # letters
MARKED = ("too-little-data", "no-dropout")  # what stands in the text is coloured in their samples
BESIDE = {
    "rate-too-high": "as-it-should-be",
    "rate-too-low": "as-it-should-be",
    "no-warm-up": "high-rate-warm-up",
    "no-layer-norm": "as-it-should-be",
    "no-positions": "as-it-should-be",
    "too-little-data": "as-it-should-be",
    "no-dropout": "little-text-dropout",
    "one-head": "four-heads",
    "deep-post-norm": "deep-pre-norm",
    "no-shortcuts": "deep-pre-norm",
}


@cache
def plays() -> str:
    return PLAYS.read_text(encoding="utf-8")


@cache
def shipped(name: str) -> Recorded:
    """A run of the gallery; of its text only the length is written down."""
    run = Recorded(SHIPPED / name, plays()[: READS.get(name)])
    assert run.json("status.json")["train_tokens"] == len(run.counts.read)
    return run


def pairs_entropy(text: str) -> float:
    """How surprising a letter is, in nats, to who knows the one before it."""
    points = np.unique(np.frombuffer(text.encode("utf-32-le"), np.uint32), return_inverse=True)[1]
    n = np.zeros((points.max() + 1, points.max() + 1))
    np.add.at(n, (points[:-1], points[1:]), 1)
    p = np.divide(n, n.sum(-1, keepdims=True), where=n > 0, out=np.ones_like(n))
    return float(-(n * np.log(p)).sum() / n.sum())


def told(name: str) -> list[tuple]:
    """What is said to be wrong, and to be seen, in numbers."""
    run, well = shipped(name), shipped(BESIDE[name])
    rate, usual = (each.config["learning_rate"] for each in (run, well))
    layers, end = run.config["n_layer"], run.validations[1][-1]
    counting = run.counts.guesses["counting tokens (unigram)"]
    if name == "rate-too-high":
        assert end > run.column("train_loss")[0]
        return [("A learning rate of", rate, usual), ("As the rate falls", end, counting)]
    if name == "rate-too-low":
        assert run.smoothed[0] - run.smoothed[-1] < 0.3
        return [("A learning rate of", rate)]
    if name == "no-warm-up":
        assert run.validations[1].min() > well.validations[1].min()
        return [("A rate of {} from the very first step", rate)]
    if name == "no-layer-norm":
        return [("At step {} the gradients", 1)]
    if name == "no-positions":
        return [("The loss lingers near", pairs_entropy(plays()), 0)]
    if name in MARKED:
        return [("{} characters", READS[name])]
    if name == "one-head":
        widths = (each.config["n_embd"] / each.config["n_head"] for each in (run, well))
        return [("One head of width", *widths), ("Hardly a failure", 2019)]
    assert abs(end - counting) < 0.05
    assert run.json("config.json").get("n_layer", layers) == layers
    if name == "deep-post-norm":
        assert rate == usual
        return [("layers with each norm", layers, rate), ("The loss stops at", counting, 2020)]
    return [("layers, each part of which", layers), ("the dotted line of counting", 2021)]


def of(name: str) -> tuple[Expected, ...]:
    """One failure beside a run that goes well, and what both wrote last."""
    runs, said = [shipped(name), shipped(BESIDE[name])], told(name)
    headings = {
        "12 layers, norms before each part": (12,),
        "High rate with a warm-up of 100 steps": (100,),
        "1 layer of 4 heads": (1, 4),
    }
    for run in runs:
        last = run.rows("samples.jsonl")[-1]
        said.append(("What it wrote at step", last["step"]))
        said += [("trained when", *headings[run.name])] if run.name in headings else []
        if name in MARKED:
            text = (last["prompt"] + last["text"]).lstrip("\n")
            read_by_it = run.text[: len(run.counts.read)]
            said.append(("that the text holds too", covered(text, read_by_it), PASSAGE))
    return (said, {}), curves("failure_curves", runs)


def look(read: Read, root: Path, name: str) -> None:
    """The whole tab for one failure."""
    page = read(root, ["failure_curves"], runs_tab="failures", failure=name)
    page.holds(of_the_form(), *of(name))


def gallery(root: Path) -> Path:
    """A folder of models with nothing but the gallery."""
    (root / "gallery").symlink_to(SHIPPED)
    return root


def lesson(read: Read, learnt: Learnt, root: Path) -> None:
    """The birth of an induction head in a run that ships."""
    folder = Path(shutil.copytree(learnt.folder, root / "models" / learnt.folder.name))
    about = {**learnt.json("about.json"), "name": "Born", "shipped": True}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    said, shown = of_the_form()
    told = learnt.config
    shape = (told["n_layer"], told["n_head"], told["n_embd"], told["block_size"])
    said += [("loss hardly falls until", 2, 64, 500), ("It reads text.txt", *shape)]
    shown["run_choice.placeholder"] = [(1,)]
    page = read(folder.parent, ["lesson"], runs_tab="induction-lesson")
    page.holds((said, shown), induction.of(learnt, "lesson"))


VIEWS = {name: partial(look, name=name) for name in BESIDE}
