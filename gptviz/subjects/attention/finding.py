"""Which head is open and why, in a sentence; and a click for the one that looks at a place."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from gptviz.app import choices, clicks, look, show
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.attention import finding_analysis as finding
from gptviz.subjects.attention.finding_analysis import FURTHER_BACK, Found

# Room for the longest sentence, so that the pictures below stay where they are; and below each
# other, where there is no room beside, come the picture of all heads and that of one.
STYLE = """<style>
@media (min-width: 640px) { .st-key-said { min-height: 5rem; } }
@media (min-width: 1200px) { .st-key-said { min-height: 3.5rem; } }
@media (max-width: 900px) { .st-key-heads [data-testid="stColumn"] { min-width: 100%; } }
</style>"""
# By the place's name in the numbers: what the chip says, and what it says where there is none.
CHIPS = {
    FURTHER_BACK: ("one token further back", "one token further back: text too short"),
    "previous token": ("the token before", "the token before: there is none"),
    "first token": ("the first token", "the first token: there is no other"),
    "same token": ("the same token, earlier", "the same token, earlier: no repeat"),
    "induction": ("what followed it earlier", "what followed it earlier: no repeat"),
    "sentence end": ("the end of a sentence", "the end of a sentence: none here"),
}
PAINTED = ("what you painted", "what you paint …")
PAINT_TAB = "Paint"
MOST_OF_ALL = (
    "Of all heads, **L{layer} H{head}** looks most at: {places}. In brackets: a head that looks "
    "everywhere alike."
)
A_PLACE = "{place} **{score:.0%}** ({alike:.0%})"
OPENS = (
    f"**L{{layer}} H{{head}} opens**: of all {term('head', 'heads')}, it looks hardest at one "
    "token further back. The last token, {query}, puts {score:.0%} of its attention on {key}."
)
OPENS_ON_A_REPEAT = (
    f"**L{{layer}} H{{head}} opens**: of all {term('head', 'heads')}, it looks hardest at one "
    "token further back. The last token, {query}, puts {score:.0%} of its attention on {key}, "
    "which followed it earlier."
)
NOTHING_FURTHER_BACK = (
    "**L{layer} H{head}** opens, the first of all: in so short a text no token has one further "
    "back to look at."
)
MOST = "**L{layer} H{head}**: {query} looks most at {key}, with {score:.0%} of its attention."
BROKEN = (
    "**L{layer} H{head}** holds no numbers for this text: the weights of this model are broken."
)
HOW = (
    "A percentage is the mean over all tokens that have such a place to look at. Further back "
    "means neither the first token, nor the token itself, nor the one just before; it is "
    "measured for the last token alone, for from its vector the model predicts the next one."
)


@dataclass(frozen=True)
class Open:
    """The head that the page shows."""

    layer: int
    head: int
    chosen: bool  # by the reader or the address, at least in part, not by the page alone


def open_head(view: View) -> Open:
    """The head that was chosen, else the one with the most to tell about this text.

    Through the steps of a training run it stays the one it was when the text was first seen, so
    that one can watch what becomes of it.
    """
    layer = clicks.clicked("layer", view.lm.config.n_layer)
    head = clicks.clicked("head", view.lm.config.n_head)
    if layer is not None and head is not None:
        return Open(layer, head, chosen=True)
    found = look.look(finding.opening_head, view.trace, layer, head)
    best = (found.layer, found.head) if found else (layer or 0, head or 0)
    run, _, step = view.lm.name.partition("@")
    asked = (run, view.ids, layer, head)
    before = st.session_state.get("opened")
    opened = before[1] if step and before and before[0] == asked else best
    st.session_state["opened"] = asked, opened
    by_page = layer is None and head is None and opened == best
    return Open(opened[0], opened[1], chosen=not by_page)


def sentence(view: View, at: Open, pattern: Tensor, query: int, painted: Found | None) -> None:
    """What the open head does with this text by its pattern (T, T), in a sentence or two.

    painted is the head that looks most like what the reader painted.
    """
    st.html(STYLE)
    with st.container(key="said"):
        st.markdown(_sentence(view, at, pattern, query, painted))


def chips(view: View, at: Open, painted: Found | None) -> None:
    """A chip for each place: a click opens the head of this text that looks most there.

    The last one is for what the reader painted; where nothing is, it leads to the board.
    """
    if len(view.ids) > 1 and not any(_found(view).values()):
        return  # nothing that this model computes is a number, and the page has said so
    st.markdown("Find a head that looks at …")
    with st.container(horizontal=True, gap="xsmall", key="find"):
        for place, found in _found(view).items():
            words, none = CHIPS[place]
            st.button(
                words if found else none,
                key=f"find_{place.replace(' ', '_')}",
                type="primary" if _is_open(found, at) else "secondary",
                disabled=found is None,
                wrap=True,
                on_click=_choose,
                args=(found,),
            )
        st.button(
            PAINTED[0] if painted else PAINTED[1],
            key="find_painted",
            type="primary" if _is_open(painted, at) else "secondary",
            wrap=True,
            on_click=_choose if painted else choices.open_tab,
            args=(painted or PAINT_TAB,),
        )


def _is_open(found: Found | None, at: Open) -> bool:
    return found is not None and (found.layer, found.head) == (at.layer, at.head)


def _choose(found: Found) -> None:
    st.session_state["layer"], st.session_state["head"] = found.layer, found.head


def _found(view: View) -> Mapping[str, Found | None]:
    return look.look(finding.find_heads, view.trace)


def _sentence(view: View, at: Open, pattern: Tensor, query: int, painted: Found | None) -> str:
    place = {"layer": at.layer, "head": at.head}
    if pattern.isnan().any():
        return BROKEN.format(**place)
    last = len(view.ids) - 1
    if not at.chosen:
        far = finding.furthest_look(pattern, view.ids, last)
        if not far:
            return NOTHING_FURTHER_BACK.format(**place)
        words = OPENS_ON_A_REPEAT if far.followed else OPENS
        seen = {"query": named(view, last), "key": named(view, far.key), "score": far.weight}
        return words.format(**place, **seen)
    places = {CHIPS[name][0]: one for name, one in _found(view).items()} | {PAINTED[0]: painted}
    found = {words: one for words, one in places.items() if _is_open(one, at)}
    if found and view.lm.config.n_layer * view.lm.config.n_head > 1:
        listed = [
            A_PLACE.format(place=words, score=one.score, alike=one.alike)
            for words, one in found.items()
            if one
        ]
        return MOST_OF_ALL.format(**place, places=" · ".join(listed))
    key = int(pattern[query].nan_to_num(0.0).argmax())
    score = float(pattern[query, key])
    return MOST.format(**place, query=named(view, query), key=named(view, key), score=score)


def named(view: View, position: int) -> str:
    """A token as a sentence names it: its position and its piece, to the letter."""
    return f"{position} “{show.literal(view.tokens[position])}”"
