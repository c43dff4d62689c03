"""Let the model write: a token a turn.

The processor is asked for before every token and given back after it, so that a long text in
one browser does not hold up the others. Nor does it keep a core for itself: whoever writes rests
after each token, and sends the text no oftener than it can be read.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.analysis.continuations import Tree, decoded
from gptviz.sampling import SamplingSettings
from gptviz.ui import parts, resources
from gptviz.ui.frame import View

REST = 2  # times as long as the token took: a third of one core is left to the writer
LONGEST_REST = 0.1  # seconds: a large model is slow enough without
SHOWN_EVERY = 0.1  # seconds


def stream(
    view: View,
    writers: Sequence[tuple[Tree, SamplingSettings]],
    place: DeltaGenerator,
    length: int,
    seed: int,
    stop: Sequence[str],
) -> None:
    """Let each writer write in turn, token after token, until all are done.

    Stop, like any other control, ends this run; what was written is in the trees already. A model
    that cannot write on, for what it says are no numbers, ends in a sentence in the same place.
    """
    with place.container():
        st.button("Stop", key="stop_writing")
        columns = st.columns(len(writers))
        running = [
            _tokens(view, tree, settings, column.empty(), length, seed, stop)
            for column, (tree, settings) in zip(columns, writers, strict=True)
        ]
        try:
            while running:
                running = [tokens for tokens in running if next(tokens, None)]
        except ValueError as error:
            with place:
                parts.failure(error)
            return
    place.empty()


def _tokens(
    view: View,
    tree: Tree,
    settings: SamplingSettings,
    place: DeltaGenerator,
    length: int,
    seed: int,
    stop: Sequence[str],
) -> Iterator[bool]:
    """Write one token each time it is asked, and rest after it for twice as long as that took."""
    writing = tree.begin()
    steps = view.lm.generate(writing.ids, length, **asdict(settings), seed=seed, stop=stop)
    shown = 0.0
    while not tree.full:
        with resources.slot(view.waiting):
            begun = time.monotonic()
            step = next(steps, None)
            ended = time.monotonic()
        if step is None or not writing.add(step, view.lm.tokenizer):
            return
        if ended - shown >= SHOWN_EVERY:
            place.code(text(view, tree), language=None, wrap_lines=True)
            shown = ended
        time.sleep(min(REST * (ended - begun), LONGEST_REST))
        yield True


def text(view: View, tree: Tree) -> str:
    """What was written after the prompt."""
    return decoded(view.lm.tokenizer, [node.id for node in tree.path])
