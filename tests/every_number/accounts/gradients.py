"""The tab Gradients of Training: what the run wrote of its layers, and one parameter's numbers."""

from functools import partial
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from accounts.common import Expected, Read, ticks
from accounts.learnt import Learnt

BINS = 60
MEASURES = {
    "gradients": ("grad_norm", "How strongly the loss"),
    "weights": ("weight_norm", "How large the numbers"),
    "updates": ("update_ratio", "How far a step moves"),
}
PARAMETER = "h.1.mlp.c_fc.weight"  # (15, 60)


def norms(learnt: Learnt, measured: str) -> Expected:
    """A measure of each part, as lines and as a map."""
    measure, words = MEASURES[measured]
    rows = learnt.rows("layers.jsonl")
    steps, groups = [row["step"] for row in rows], [*rows[0][measure]]
    values = np.array([[row[measure][group] for group in groups] for row in rows])
    if measure == "weight_norm":
        last = learnt.at(learnt.kept[-1], "the").theirs.transformer.named_parameters()
        own = {name: values.detach().numpy() for name, values in last}
        mlp = [values for name, values in own.items() if name.startswith("h.1.mlp.")]
        size = np.sqrt(sum((values**2).sum() for values in mlp))
        assert abs(values[-1, groups.index("h.1.mlp")] - size) < 1e-3 * size
    shown: dict[str, Any] = {"norms.yaxis": ticks(values), "norms_table.step": steps}
    shown |= {
        "norms_mapped.0.x": steps,
        "norms_mapped.0.z": np.log10(values.T),
        "norms_mapped.0.customdata": values.T,
        "norms_mapped_table.step": steps,
    }
    for i, group in enumerate(groups):
        shown[f"norms.{i}.x"] = steps
        shown[f"norms.{i}.y"] = shown[f"norms_table.{group}"] = values[:, i]
        shown[f"norms_mapped_table.{group}"] = values[:, i]
    said: list[tuple] = []
    usual = (0.001, 2022) if measure == "update_ratio" else ()
    if usual:
        n = len(groups)
        shown |= {f"norms.{n}.x": [steps[0], steps[-1]], f"norms.{n}.y": [0.001] * 2}
        shown[f"norms.{n}.name"] = [(0.001,)]
    said += [(words, *values.shape, *usual), ("The same numbers", *values.shape)]
    return said, shown


def histogram(learnt: Learnt, step: int) -> Expected:
    """How the numbers of a parameter are spread, at a step and at the start."""
    found = {}
    for at in (step, learnt.kept[0]):
        stored = load_file(learnt.snapshot(at) / "model.safetensors")
        (key,) = (name for name in stored if name.removeprefix("transformer.") == PARAMETER)
        found[at] = stored[key].astype(np.float64)
    shape = found[step].shape
    edges = np.histogram_bin_edges(np.stack([*found.values()]), BINS)
    shown: dict[str, Any] = {
        "parameter_step.label": [str(each) for each in learnt.kept],
        "parameter_histogram_table.of the numbers": ["25%", "50%", "75%"],
    }
    for i, (name, values) in enumerate(zip(("now", "step 0"), found.values(), strict=True)):
        counts, _ = np.histogram(values, edges)
        shown[f"parameter_histogram.{i}.x"] = (edges[:-1] + edges[1:]) / 2
        shown[f"parameter_histogram.{i}.y"] = counts / values.size
        quarters = np.percentile(values, (0, 25, 50, 75, 100))
        spread = (values.size, values.mean(), values.std(ddof=1), *quarters)
        shown[f"parameter_histogram_table.{name}"] = [*spread]
    return [("How its numbers are spread", PARAMETER, step, *shape, 0, 0, 1)], shown


def look(read: Read, learnt: Learnt, measured: str, step: int) -> None:
    """The whole tab with a measure and a step."""
    keys = ("metrics", "norms", "norms_mapped", "parameter_histogram")
    chosen = {"norm_of": measured, "parameter": PARAMETER, "parameter_step": step}
    page = read(learnt.folder, keys, tab="gradients", switched=["norms_map"], **chosen)
    page.holds(learnt.around, norms(learnt, measured), histogram(learnt, step))


STEPS = {"gradients": 29, "weights": 95, "updates": 3}
VIEWS = {name: partial(look, measured=name, step=step) for name, step in STEPS.items()}
