"""Let the model write: a token a turn.

The processor is asked for before every token and given back after it, so that a long text in
one browser does not hold up the others. The writer does not keep a core for itself either: it
rests after each token, and sends the text only as often as it can be read.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gptviz.app import allowance, look, show
from gptviz.app.frame import View
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling.continuation_analysis import Tree, decoded

REST = 2  # times as long as the token took: a third of one core is left to the writer
LONGEST_REST = 0.1  # seconds: a large model is slow enough without
SHOWN_EVERY = 0.1  # seconds


def stream(
    view: View,
    tree: Tree,
    settings: SamplingSettings,
    place: DeltaGenerator,
    length: int,
    seed: int,
    stop: Sequence[str],
) -> None:
    """Write on at the tip of a tree, and rest after each token for twice as long as it took.

    Stop, like any other control, ends this run; what was written is in the tree already. A model
    whose numbers become NaN cannot go on, nor can a visitor of a class who has used what there is
    for each: a sentence in the same place says so.
    """
    with place.container():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            bar = st.empty()
            st.button("Stop", key="stop_writing")
        shown_in = st.empty()
    writing = tree.begin()
    tree.recipes.add((settings, seed))
    steps = view.lm.generate(writing.ids, length, **asdict(settings), seed=seed, stop=stop)
    n, shown = 0, 0.0
    try:
        while not tree.full:
            with look.slot(long=True), allowance.charged():
                begun = time.monotonic()
                step = next(steps, None)
                ended = time.monotonic()
            if step is None or not writing.add(step, view.lm.tokenizer):
                break
            n += 1
            if ended - shown >= SHOWN_EVERY:
                bar.progress(n / length, f"{n:,} of {length:,} tokens")
                shown_in.code(text(view, tree), language=None, wrap_lines=True)
                shown = ended
            time.sleep(min(REST * (ended - begun), LONGEST_REST))
    except ValueError as error:
        with place:
            show.failure(error)
        return
    place.empty()


def text(view: View, tree: Tree) -> str:
    """What was written after the prompt."""
    return decoded(view.lm.tokenizer, [node.id for node in tree.path])
