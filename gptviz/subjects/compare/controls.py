"""What stands on the right: which model, which step of its run, which text; and a row of cases."""

from collections.abc import Mapping

import streamlit as st

from gptviz import checkpoints
from gptviz.app import choices, look, presets, run_steps, show
from gptviz.app.frame import View
from gptviz.app.prompt import box
from gptviz.app.prompt.reading import LONGEST_TEXT, Reading, reading, text_read
from gptviz.checkpoints.steps import folder_name
from gptviz.language_model import LanguageModel
from gptviz.subjects.compare.analysis import vocabularies
from gptviz.subjects.compare.presets import BY_SLUG, PRESETS, Preset

NARROW = 240  # pixels: all choices of the right side stand in one row
BEST = "best"  # the step of a run's best checkpoint
TABS = {
    "next": "Next token",
    "attention": "Attention",
    "lens": "Lens",
    "neighbours": "Neighbours",
}


def cases() -> None:
    """A row of pairs to begin with, of those whose models are there."""
    names = set(checkpoints.names())
    there = {slug: preset for slug, preset in BY_SLUG.items() if preset.models <= names}
    if there:
        presets.row(there, _take)


def right(view: View) -> View | None:
    """The right side, as chosen; None, with a sentence, if it cannot be read."""
    own, _, step = view.lm.name.partition("@")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        with st.container(width=NARROW):
            chosen = choices.one_of_many("other_model", "Model on the right", _models(own))
        name = _at_step(chosen, own if not step else None)
        with st.container(width="stretch"):
            typed = st.text_input(
                "Text on the right",
                key="other_prompt",
                bind="query-params",
                placeholder="left empty: the same text",
            )
    try:
        lm = look.model(name)
        read = _read(view, lm, (typed or "")[-LONGEST_TEXT:])
    except (ValueError, OSError) as error:
        show.failure(error, "That is the right side.")
        return None
    tokens = tuple(lm.tokenizer.pieces(read.ids))
    return View(lm, text_read(lm.tokenizer, read), read.ids, tokens, view.scheme, read.special)


def preset_of(view: View, other: View) -> Preset | None:
    """The preset that is on the screen, if it is one; with no special token before its texts."""
    if view.special.begin or other.special.begin:
        return None
    here = (view.lm.name, view.prompt, other.lm.name, other.prompt)
    return next((preset for preset in PRESETS if here == _sides(preset)), None)


def _models(own: str) -> Mapping[str, str]:
    """The models that can stand on the right; the first one unless chosen.

    A run is compared to its own past first, any other model to another one.
    """
    names = checkpoints.names()
    run = run_steps.run_of(own)
    first = [own] if run and run.snapshots else [name for name in names if name != own]
    return {name: name for name in dict.fromkeys([*first, *names])}


def _at_step(chosen: str, own_best: str | None) -> str:
    """The name of a model at the step that is chosen, if it is a run's.

    own_best is the run whose best checkpoint stands on the left: then the right begins with its
    first step, and else with the best one.
    """
    run = run_steps.run_of(chosen)
    if not run or not run.snapshots:
        return chosen
    steps = {str(step): f"{step:,}" for step in run.snapshots} | {BEST: BEST}
    default = next(iter(steps)) if chosen == own_best else BEST
    with st.container(width=NARROW):
        step = choices.one_in_order("other_step", "Step on the right", steps, default)
    return chosen if step == BEST else run_steps.name_at(run, int(step))


def _read(view: View, lm: LanguageModel, typed: str) -> Reading:
    """How the model on the right reads the text there; of an empty one, that of the left.

    Where both have one vocabulary, that is read in the very tokens of the left.
    """
    special = view.special.in_model(lm)
    ids = None
    if not typed and look.look(vocabularies, view.lm, lm).same:
        ids = view.ids[len(view.special.begin) :]
    read = reading(lm, typed or view.prompt, ids, special)
    if read.left_out:
        st.caption(f"Of the text on the right, only the last {read.longest} tokens are read.")
    return read


def _sides(preset: Preset) -> tuple[str, str, str, str]:
    left, right = preset.model, preset.other_model
    if preset.step is not None:
        left = f"{left}@{folder_name(preset.step)}"
    if preset.other_step is not None:
        right = f"{right}@{folder_name(int(preset.other_step))}"
    return left, preset.prompt, right, preset.other_prompt or preset.prompt


def _take(preset: Preset) -> None:
    state = st.session_state
    state["model"] = preset.model
    for key in ("step", "position"):
        state.pop(key, None)
        st.query_params.pop(key, None)
    chosen = {"step": preset.step, "word": preset.word, "layer": preset.layer, "head": preset.head}
    state.update({key: value for key, value in chosen.items() if value is not None})
    box.put(preset.prompt)
    choices.choose("other_model", preset.other_model)
    choices.choose("other_step", preset.other_step or BEST)
    state["other_prompt"] = preset.other_prompt
    choices.choose("lens_of", "one")
    choices.open_tab(TABS[preset.tab])
