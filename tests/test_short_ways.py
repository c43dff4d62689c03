"""Each subject's numbers and figures are one short import away, for a notebook."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import gptviz
from gptviz import measures


@pytest.mark.parametrize("name", gptviz._SUBJECTS)
def test_a_subject_is_an_attribute_of_gptviz(name: str):
    subject = getattr(gptviz, name)
    files = Path(subject.__file__).parent.glob("*analysis.py")
    numbers = [import_module(f"gptviz.subjects.{name}.{file.stem}") for file in files]
    numbers.append(measures)  # which two subjects hand on
    for each in subject.__all__:
        assert any(getattr(module, each, None) is getattr(subject, each) for module in numbers)
    assert subject.figures is import_module(f"gptviz.subjects.{name}.figures")


def test_a_notebook_gets_numbers_and_a_picture_in_three_lines(tiny_lm):
    from gptviz import attention

    trace = tiny_lm.trace("abcabc")
    measures = attention.head_measures(attention.patterns(trace), trace.ids)
    scores = measures["induction"].numpy()
    figure = attention.figures.head_map(scores, "induction", "light", (0, 0))
    assert np.array_equal(np.array(figure.data[0].z, dtype=np.float32), scores)


def test_what_is_no_subject_is_told():
    with pytest.raises(AttributeError, match="no attribute 'heads'"):
        _ = gptviz.heads


def test_importing_gptviz_alone_imports_no_subject(python):
    code = "import gptviz, sys; print([m for m in sys.modules if m.startswith('gptviz.subjects')])"
    assert python(code) == "[]\n"


@pytest.mark.parametrize(
    "name",
    [
        *("residual.logit_lens", "residual.attribution", "residual.surprisal", "mlp.neuron"),
        *("what_if.knock_out", "patching.patch", "patching.logit_difference"),
        *("attention.circuits", "compare.next_tokens", "compare.lens_distances"),
    ],
)
def test_what_answers_why_is_one_import_away(name: str):
    subject, function = name.split(".")
    assert function in getattr(gptviz, subject).__all__
