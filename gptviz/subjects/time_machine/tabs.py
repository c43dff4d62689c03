"""The training page's look back: the same pictures of a run's model after more and more steps.

Call `tab(run)` inside a tab of the page.
"""

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
import torch

from gptviz import checkpoints, jobs
from gptviz.app import choices, code, frame, look, run_steps, show
from gptviz.app.chips.chips import choose_token
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.live import look_again
from gptviz.app.pages import PAGES
from gptviz.app.prompt import row
from gptviz.app.prompt.reading import in_code
from gptviz.app.theme import Scheme
from gptviz.language_model import LanguageModel
from gptviz.runs import Run
from gptviz.subjects.attention.analysis import pattern_table, shrunk
from gptviz.subjects.time_machine import analysis as time_machine
from gptviz.subjects.time_machine import figures
from gptviz.subjects.time_machine.analysis import Moments, Trajectory
from gptviz.training.record import samples
from gptviz.training.settings import SETTINGS

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
        st.markdown(
            f"This run keeps no past models. *{SETTINGS['snapshots'].label}* in the settings of a "
            f"new run turns them on."
        )
    elif not run.snapshots or run.id not in checkpoints.names():
        st.markdown("There will be something to look back at after the run's first checkpoint.")
    else:
        try:
            _look_back(run, frame.scheme())
        except (ValueError, OSError) as error:
            show.failure(error)


def _look_back(run: Run, scheme: Scheme) -> None:
    steps = run.snapshots
    chosen = run_steps.chosen(run)
    step = steps[-1] if chosen is None else chosen
    place = st.container()
    places = st.columns([1, 1, 2], gap="large")
    run_steps.slider(run, steps, step, scheme)
    pictures = st.container()
    lm = look.model(run_steps.name_at(run, step))
    ids = row.read(lm, place).ids
    past = _Past(run, step, lm, in_code(lm.tokenizer, ids), ids, scheme)
    with places[0]:
        layer = choices.layer(lm)
    with places[1]:
        head = choices.head(lm)
    with places[2]:
        position = choose_token(lm.tokenizer.pieces(ids), scheme)
    with pictures:
        with st.container(horizontal=True, gap="medium"):
            of_head = [lambda: past.patterns(layer, head)] if lm.config.has_attention else []
            for draw in (
                past.sample,
                past.next_tokens,
                *of_head,
                lambda: past.neighbours(position),
            ):
                with st.container(width=CARD):
                    draw()
        past.elsewhere()


@dataclass(frozen=True, eq=False)
class _Past:
    """A run, looked back at from one of its steps with a prompt."""

    run: Run
    step: int
    lm: LanguageModel  # at that step
    prompt: str | list[int]  # what gives the ids in code
    ids: tuple[int, ...]
    scheme: Scheme

    def sample(self) -> None:
        rows = samples.read(self.run.folder)
        written = [row for row in rows if row["step"] <= self.step]
        st.markdown("**What it wrote**")
        if not written:
            st.markdown("Up to this step the run wrote no sample.")
            return
        last = written[-1]
        text = last["prompt"].lstrip("\n") + last["text"]
        st.code(text, language=None, wrap_lines=True, height=240)
        show.fine_print(
            f"Same {term('seed')} at each step, so what differs is the model.",
            f"`samples.jsonl`, step {last['step']:,} — the text that the run wrote at this "
            f"step or last before it.",
        )

    def next_tokens(self) -> None:
        found = self._over_steps(
            ("distribution", self.ids),
            lambda moments: time_machine.distributions(moments, self.ids),
        )
        table = time_machine.strongest(found, self.lm.tokenizer, TOKENS_SHOWN, "probability")
        st.markdown("**The likeliest next tokens**")
        show.chart(
            figures.likeliest_over_steps(
                *time_machine.board(table), found.steps, self.step, self.scheme
            ),
            key="past_next",
            name=f"softmax(logits[{len(self.ids) - 1}])",
            shape=found.values.shape,
            how_to_read=f"each column is a kept step (a {term('snapshot')}), each row one of the "
            "tokens that are likeliest after your text at the last one. The scale ends at 1.",
            table=table,
            code=self._code(
                time_machine.distributions,
                "from gptviz.subjects.time_machine.analysis import board, moments, strongest",
                f"past = distributions(moments(run), lm.ids({self.prompt!r}))",
                f"table = strongest(past, lm.tokenizer, {TOKENS_SHOWN}, 'probability')",
            ).drawn(figures.likeliest_over_steps, f"*board(table), past.steps, {self.step}"),
        )

    def patterns(self, layer: int, head: int) -> None:
        name = f"h.{layer}.attn.pattern"
        found = self._over_steps(
            (name, head, self.ids),
            lambda moments: time_machine.patterns(moments, self.ids, layer, head),
        )
        steps = time_machine.spread(found.steps, self.step, MOST_PATTERNS)
        at = [found.steps.index(step) for step in steps]
        small, side = shrunk(torch.from_numpy(found.values[at]), LONGEST_SIDE)
        read = [
            "one square a step: rows look, columns are looked at, in the order of your text; the "
            "scale ends at 1."
        ]
        if len(at) < len(found.steps):
            read.append(f"{len(at)} of {len(found.steps)} kept steps.")
        if side > 1:
            read.append(f"A dot is the largest weight among {side} × {side} tokens.")
        read.append("The table is of the chosen step.")
        st.markdown(f"**How L{layer} H{head} came to look where it looks**")
        show.chart(
            figures.pattern_sheet(small.numpy(), steps, self.step, self.scheme),
            key="past_patterns",
            name=f"{name}[{head}]",
            shape=found.values.shape,
            how_to_read=" ".join(read),
            table=pattern_table(found.at(self.step), self.lm.tokenizer.pieces(self.ids)),
            code=self._code(
                time_machine.patterns,
                "from gptviz.subjects.attention.analysis import pattern_table",
                "from gptviz.subjects.time_machine.analysis import moments",
                f"ids = lm.ids({self.prompt!r})",
                f"past = patterns(moments(run), ids, layer={layer}, head={head})",
                f"table = pattern_table(past.at({self.step}), lm.tokenizer.pieces(ids))",
            ).drawn(
                figures.pattern_sheet,
                f"values, {steps!r}, {self.step}",
                "import torch",
                "from gptviz.subjects.attention.analysis import shrunk",
                f"values = torch.from_numpy(past.values[{at!r}])",
                f"values = shrunk(values, {LONGEST_SIDE})[0].numpy()",
            ),
        )

    def neighbours(self, position: int) -> None:
        token = self.ids[position]
        found = self._over_steps(
            ("cosines", token), lambda moments: time_machine.cosines(moments, token)
        )
        table = time_machine.strongest(found, self.lm.tokenizer, TOKENS_SHOWN, "cosine")
        (piece,) = self.lm.tokenizer.pieces([token])
        st.markdown(f"**How the neighbours of {show.literal(piece)} gathered**")
        show.chart(
            figures.cosines_over_steps(
                *time_machine.board(table), found.steps, self.step, self.scheme
            ),
            key="past_neighbours",
            name=f"wte · wte[{token}]",
            shape=found.values.shape,
            how_to_read="each column is a kept step, each row one of the tokens whose vectors are "
            f"nearest at the last one. {term('cosine', 'Cosine')}: 1 is the same, −1 opposite.",
            table=table,
            code=self._code(
                time_machine.cosines,
                "from gptviz.subjects.time_machine.analysis import board, moments, strongest",
                f"past = cosines(moments(run), token={token})",
                f"table = strongest(past, lm.tokenizer, {TOKENS_SHOWN}, 'cosine')",
            ).drawn(figures.cosines_over_steps, f"*board(table), past.steps, {self.step}"),
        )

    def elsewhere(self) -> None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"Look at step {self.step:,} on")
            for name in ("attention", "embeddings", "sampling"):
                page = PAGES[name]
                query = {"model": self.run.id, "step": str(self.step)}
                st.page_link(page.file, label=page.title, query_params=query)

    def _code(self, function: Callable[..., Trajectory], *lines: str) -> Code:
        """The code of a picture, whose lines may use the run and the model of the chosen step."""
        model = f"lm = gptviz.load({run_steps.name_at(self.run, self.step)!r})"
        return code.of_run(self.run, function, model, *lines)

    def _over_steps(self, what: Hashable, find: Callable[[Moments], Trajectory]) -> Trajectory:
        found = []
        for step in self.run.snapshots:
            with suppress(FileNotFoundError):  # thinned out, or taken again by a resumed run
                found.append(_at(self.run, step, what, find))
        steps = [step for one in found for step in one.steps]
        return Trajectory(steps, np.concatenate([one.values for one in found]))


def _at(run: Run, step: int, what: Hashable, find: Callable[[Moments], Trajectory]) -> Trajectory:
    """What is found in a run's snapshot; `what` stands for it. A known one loads no model.

    Raises FileNotFoundError for a step of which there is no snapshot.
    """
    key = ("time_machine", what, checkpoints.fingerprint(run.snapshot(step)))
    known = look.known(key)
    if known is not None:
        return known
    lm = look.model(run_steps.name_at(run, step))
    return look.shared_finding(key, lambda: find([(step, lm)]))
