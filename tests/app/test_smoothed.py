"""A curve that is smoothed says so at its name, with the factor, whoever draws it."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

from gptviz.runs.curves import SMOOTHING
from gptviz.subjects.debugging import figures as of_symptoms
from gptviz.subjects.schedules import figures as of_schedules

PACKAGE = Path(__file__).parents[2] / "gptviz"
SAID = re.compile(rf"smoothed by (?:\{{SMOOTHING\}}|\{{smoothing\}}|{SMOOTHING})")


def smooths(path: Path) -> bool:
    imported = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "gptviz.runs.curves"
        for alias in node.names
    ]
    return "smooth" in imported


SMOOTH = [path for part in ("app", "subjects") for path in (PACKAGE / part).rglob("*.py")]
SMOOTH = sorted(path for path in SMOOTH if smooths(path))


@pytest.mark.parametrize("path", SMOOTH, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_who_smooths_names_the_factor(path: Path):
    own = [path.parent / "steps" / "slider.js"] if path.parent.name == "app" else []
    beside = [*path.parent.glob("*figures.py"), *path.parent.glob("curves.py"), *own]
    assert any(SAID.search(file.read_text(encoding="utf-8")) for file in beside)


@pytest.mark.parametrize(
    ("draw", "table"),
    [
        (of_schedules.courses, pd.DataFrame({"step": [1, 2], "cosine": [2.0, 1.0]})),
        (of_symptoms.beside, pd.DataFrame({"run": "a", "step": [1, 2], "loss": [2.0, 1.0]})),
    ],
    ids=["schedules", "symptoms"],
)
def test_the_axis_and_what_is_read_at_a_point_say_it(draw, table):
    figure = draw(table, {}, "light")
    assert f"smoothed by {SMOOTHING}" in figure.layout.yaxis.title.text
    assert all(f"smoothed by {SMOOTHING}" in line.hovertemplate for line in figure.data)
