"""The training page's look back: the same pictures of a run's model after more and more steps.

Call `tab(run)` inside a tab of the page.
"""

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from gptviz import checkpoints
from gptviz.analysis import time_machine
from gptviz.analysis.attention import pattern_table, shrunk
from gptviz.analysis.time_machine import Moments, Series
from gptviz.figures import time_machine as figures
from gptviz.figures.theme import Scheme
from gptviz.language_model import LanguageModel
from gptviz.training import jobs, jsonl
from gptviz.training.runs import SAMPLES, Run
from gptviz.training.snapshots import surplus
from gptviz.ui import controls, frame, parts, resources, run_steps
from gptviz.ui.pages import PAGES
from gptviz.ui.training_live import look_again

EVERY = 5.0  # seconds between two looks at a run that lives
CARD = 500  # pixels: two beside each other on a large screen
MOST_PATTERNS = 15  # more would be too small to read
LONGEST_SIDE = 64  # pixels of one pattern
TOKENS_SHOWN = 8


def tab(run: Run) -> None:
    """The slider over the run's steps, and how its pictures came about."""
    st.fragment(_tab, run_every=look_again(jobs.state(run), EVERY))(run)


def _tab(run: Run) -> None:
    if not run.settings.get("snapshots", True):
        st.markdown("This run keeps no past models; *Snapshots* in the settings turns them on.")
    elif not run.snapshots or run.id not in checkpoints.names():
        st.markdown("There will be something to look back at after the run's first checkpoint.")
    else:
        try:
            _look_back(run, frame.scheme())
        except (ValueError, OSError) as error:
            parts.failure(error)


def _look_back(run: Run, scheme: Scheme) -> None:
    steps = run.snapshots
    chosen = run_steps.chosen(run)
    step = steps[-1] if chosen is None else chosen
    text = frame.prompt()
    choices = st.columns(3, gap="large")
    run_steps.slider(run, steps, step, scheme)
    pictures, waiting = st.container(), st.empty()
    lm = resources.model(run_steps.name_at(run, step), waiting)
    ids = frame.prompt_ids(lm, text)
    past = _Past(run, step, lm, ids, scheme, waiting)
    with choices[0]:
        layer = controls.layer(lm)
    with choices[1]:
        head = controls.head(lm)
    with choices[2]:
        position = controls.index("position", "Position", len(ids), len(ids) - 1)
    with pictures:
        with st.container(horizontal=True, gap="medium"):
            for draw in (
                past.sample,
                past.next_tokens,
                lambda: past.patterns(layer, head),
                lambda: past.neighbours(position),
            ):
                with st.container(width=CARD):
                    draw()
        past.elsewhere()
        past.code(layer, head, position)


@dataclass(frozen=True, eq=False)
class _Past:
    """A run, looked back at from one of its steps with a prompt."""

    run: Run
    step: int
    lm: LanguageModel  # at that step
    ids: tuple[int, ...]
    scheme: Scheme
    waiting: DeltaGenerator

    def sample(self) -> None:
        rows = jsonl.rows(self.run.folder / SAMPLES)
        written = [row for row in rows if row["step"] <= self.step]
        st.markdown("**What it wrote**")
        if not written:
            st.markdown("Up to this step the run wrote no sample.")
            return
        st.code(
            written[-1]["prompt"].lstrip("\n") + written[-1]["text"],
            language=None,
            wrap_lines=True,
            height=240,
        )
        st.caption(
            f"`samples.jsonl`, step {written[-1]['step']:,} — the text that the run wrote at this "
            f"step or last before it, with the same dice each time."
        )

    def next_tokens(self) -> None:
        found = self._over_steps(
            ("distribution", self.ids),
            lambda moments: time_machine.distributions(moments, self.ids),
        )
        table = time_machine.strongest(found, self.lm.tokenizer, TOKENS_SHOWN)
        st.markdown("**The likeliest next tokens**")
        parts.chart(
            figures.likeliest_over_steps(*_board(table), found.steps, self.step, self.scheme),
            key="past_next",
            name=f"softmax(logits[{len(self.ids) - 1}])",
            shape=found.values.shape,
            how_to_read="each column is a kept step, each row one of the tokens that are likeliest "
            "after your text at the last one. The scale ends at 1.",
            table=table.rename(columns={"value": "probability"}),
        )

    def patterns(self, layer: int, head: int) -> None:
        name = f"h.{layer}.attn.pattern"
        found = self._over_steps(
            (name, head, self.ids),
            lambda moments: time_machine.patterns(moments, self.ids, layer, head),
        )
        at = [found.steps.index(step) for step in _spread(found.steps, self.step)]
        small, side = shrunk(torch.from_numpy(found.values[at]), LONGEST_SIDE)
        blocks = f"A dot is the largest weight among {side} × {side} tokens. " * (side > 1)
        few = f"{len(at)} of {len(found.steps)} kept steps. " * (len(at) < len(found.steps))
        st.markdown(f"**How L{layer} H{head} came to look where it looks**")
        parts.chart(
            figures.pattern_sheet(
                small.numpy(), [found.steps[i] for i in at], self.step, self.scheme
            ),
            key="past_patterns",
            name=f"{name}[{head}]",
            shape=found.values.shape,
            how_to_read="one square a step: rows look, columns are looked at, in the order of your "
            f"text; the scale ends at 1. {few}{blocks}The table is of the chosen step.",
            table=pattern_table(
                torch.from_numpy(found.values[found.steps.index(self.step)]),
                self.lm.tokenizer.pieces(self.ids),
            ),
        )

    def neighbours(self, position: int) -> None:
        token = self.ids[position]
        found = self._over_steps(
            ("cosines", token), lambda moments: time_machine.cosines(moments, token)
        )
        table = time_machine.strongest(found, self.lm.tokenizer, TOKENS_SHOWN)
        (piece,) = self.lm.tokenizer.pieces([token])
        st.markdown(f"**How the neighbours of {parts.literal(piece)} gathered**")
        parts.chart(
            figures.cosines_over_steps(*_board(table), found.steps, self.step, self.scheme),
            key="past_neighbours",
            name=f"wte · wte[{token}]",
            shape=found.values.shape,
            how_to_read="each column is a kept step, each row one of the tokens whose vectors are "
            "nearest at the last one. Cosine: 1 is the same direction, 0 unrelated, −1 opposite.",
            table=table.rename(columns={"value": "cosine"}),
        )

    def elsewhere(self) -> None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"Look at step {self.step:,} on")
            for name in ("attention", "embeddings", "sampling"):
                page = PAGES[name]
                query = {"model": self.run.id, "step": str(self.step)}
                st.page_link(page.file, label=page.title, query_params=query)

    def code(self, layer: int, head: int, position: int) -> None:
        with st.expander("The code that makes these pictures"):
            st.code(
                "import gptviz\n"
                "from gptviz.analysis.time_machine import "
                "cosines, distributions, moments, patterns\n"
                "from gptviz.training.jobs import find_run\n\n"
                f"run = find_run({self.run.id!r})\n"
                f"ids = {list(self.ids)}\n"
                f"lm = gptviz.load({run_steps.name_at(self.run, self.step)!r})  # this step alone\n"
                "next_tokens = distributions(moments(run), ids)\n"
                f"heads = patterns(moments(run), ids, layer={layer}, head={head})\n"
                f"neighbours = cosines(moments(run), token={self.ids[position]})\n",
                language="python",
            )

    def _over_steps(self, what: Hashable, look: Callable[[Moments], Series]) -> Series:
        found = []
        for step in self.run.snapshots:
            with suppress(FileNotFoundError):  # thinned out, or taken again by a resumed run
                found.append(resources.look_at_step(self.run, step, what, look, self.waiting))
        steps = [step for series in found for step in series.steps]
        return Series(steps, np.concatenate([series.values for series in found]))


def _board(table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The values of a table of `time_machine.strongest`, (steps, K), and the K tokens."""
    n = int(table["rank"].max())
    return table["value"].to_numpy().reshape(-1, n), table["token"].tolist()[:n]


def _spread(steps: Sequence[int], chosen: int) -> list[int]:
    """As many of the steps as have room, spread over all, with the chosen one among them."""
    shown = sorted(set(steps) - set(surplus(steps, MOST_PATTERNS)))
    if chosen not in shown:
        nearest = min(shown[1:-1], key=lambda step: abs(steps.index(step) - steps.index(chosen)))
        shown[shown.index(nearest)] = chosen
    return sorted(shown)
