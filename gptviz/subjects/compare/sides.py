"""Both sides of the page: what each looks at, what of them can be compared, and their code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gptviz.activations import Trace
from gptviz.app import look, run_steps
from gptviz.app.chips.pair import Row, chip_pair
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.language_model import LanguageModel
from gptviz.subjects.compare import sentences
from gptviz.subjects.compare.analysis import Pairing, pairing


@dataclass(frozen=True, eq=False)
class Sides:
    """The left side, which is the page's usual one, and the right one."""

    left: View
    right: View
    pairing: Pairing

    @property
    def arguments(self) -> tuple[LanguageModel, Trace, LanguageModel, Trace]:
        """What most functions of the subject are given."""
        return self.left.lm, self.left.trace, self.right.lm, self.right.trace

    @property
    def last(self) -> tuple[int, int]:
        """The last position of either side."""
        return len(self.left.ids) - 1, len(self.right.ids) - 1

    def code(self, function: Callable[..., Any], *lines: str) -> Code:
        """The code of a picture, whose lines may use lm, trace, other and other_trace."""
        setup = [f"other = gptviz.load({self.right.lm.name!r})"]
        if any("other_trace" in line for line in lines):
            setup.append(f"other_trace = other.trace({self.right.written!r})")
        return self.left.code(function, *setup, *lines)


def sides(left: View, right: View) -> Sides:
    """Say what can be compared, below both texts, one under the other, unless they are the same."""
    found = look.look(pairing, left.lm, left.trace, right.lm, right.trace)
    if not found.same_vocabulary or found.left != found.right:
        chip_pair(
            Row(f"left · {_said(left)}", left.ids, left.tokens),
            Row(f"right · {_said(right)}", right.ids, right.tokens),
            left.scheme,
            key="sides",
            aligned=found.by_position,
        )
    words = [sentences.of_pair(found), sentences.of_shapes(found)]
    st.markdown(" ".join(one for one in words if one))
    return Sides(left, right, found)


def _said(view: View) -> str:
    """The name of a side's model, for people."""
    found = run_steps.address(view.lm.name)
    step = f", step {int(found['step']):,}" if "step" in found else ""
    return f"{found['model']}{step}"
