"""The list of symptoms: each link leads somewhere, and each curve is one that ships."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from gptviz import checkpoints
from gptviz.app.address import KEYS
from gptviz.app.pages import PAGES
from gptviz.jobs.failures import FAILURES
from gptviz.runs.curves import BASELINES
from gptviz.subjects.debugging import figures, symptom_analysis
from gptviz.subjects.debugging.symptoms import SYMPTOMS

ROOT = Path(__file__).parents[3]
GALLERY = {failure.preset.name: failure for failure in FAILURES}


def test_each_entry_of_the_gallery_is_linked_and_no_other():
    assert {name for each in SYMPTOMS.values() for name in each.failures} == set(GALLERY)


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_link_leads_to_a_page_and_a_tab_that_are_there(symptom):
    for link in SYMPTOMS[symptom].links:
        assert set(link.query) <= {"tab"} <= set(KEYS)
        story = (ROOT / PAGES[link.page].file).read_text(encoding="utf-8")
        if "tab" in link.query:
            assert link.query["tab"] in re.findall(r'"([\w-]+)": Tab\(', story)


def test_the_list_asks_and_has_an_answer_to_each_question():
    for symptom in SYMPTOMS.values():
        assert symptom.question.endswith("?")
        assert symptom.remedies
        assert symptom.failures or symptom.links


def smoothed(losses: list[float]) -> np.ndarray:
    """Each value with all before it, of which each weighs 0.9 of the next."""
    found = []
    for i in range(len(losses)):
        weights = 0.9 ** np.arange(i, -1, -1)
        found.append(weights @ losses[: i + 1] / weights.sum())
    return np.array(found)


def test_the_curves_are_those_of_the_runs_that_ship():
    table = symptom_analysis.curves(("deep-post-norm", "no-shortcuts"))
    assert table["run"].unique().tolist() == [
        GALLERY["deep-post-norm"].title,
        GALLERY["deep-post-norm"].baseline.title,
        GALLERY["no-shortcuts"].title,
    ], "the baseline of both stands there once"
    file = checkpoints.root() / "gallery" / "no-shortcuts" / "metrics.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    own = table[table["run"] == GALLERY["no-shortcuts"].title]
    expected = smoothed([row["train_loss"] for row in rows])
    np.testing.assert_allclose(own["loss"], expected[own["step"] - 1], rtol=1e-6)
    assert own["step"].iloc[[0, -1]].tolist() == [1, rows[-1]["step"]]


@pytest.mark.parametrize("failures", [("no-shortcuts",), ("deep-post-norm", "no-shortcuts")])
def test_what_counting_the_same_text_reaches_stands_beside_the_curves(failures):
    file = checkpoints.root() / "gallery" / "no-shortcuts" / "status.json"
    told = json.loads(file.read_text(encoding="utf-8"))["baselines"]
    guesses = symptom_analysis.guesses(failures)
    assert guesses == {BASELINES[name]: told[name] for name in ("uniform", "unigram", "bigram")}
    figure = figures.beside(symptom_analysis.curves(failures), guesses, "light")
    assert [shape.y0 for shape in figure.layout.shapes] == [*told.values()]


def test_runs_that_read_several_texts_have_no_guess_in_common():
    assert symptom_analysis.guesses(("too-little-data", "no-dropout", "no-shortcuts")) == {}
    assert symptom_analysis.guesses(()) == {}


def test_without_a_gallery_there_is_no_curve(tmp_path, monkeypatch):
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    assert symptom_analysis.curves(("no-shortcuts",)).empty
    assert symptom_analysis.curves(()).empty
