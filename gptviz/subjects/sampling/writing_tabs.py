"""A text that the model writes after the prompt, with all its branches."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from gptviz.app import show
from gptviz.app.chips.chips import Chip, ChipRow, token_chips
from gptviz.app.frame import View
from gptviz.app.prompt.reading import text_read
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling import controls, expert_sentences
from gptviz.subjects.sampling.continuation_analysis import Node, Tree, first_difference
from gptviz.subjects.sampling.formats_analysis import FORMATS, Format, filled
from gptviz.subjects.sampling.writing import stream, text

LONGEST = 1000  # tokens at a press
BRANCHES_SHOWN = 12
PIECES_SHOWN = 12  # of each branch, from where it parts
OTHERWISE = (
    "Not all of this was written with the settings and the seed that stand above now: they hold "
    "for what Write adds. To see a text of theirs alone, press Start again, then Write."
)


def write(view: View, settings: SamplingSettings, seed: int, first: Callable[[], None]) -> None:
    """Write on from the prompt; any token can be replaced by one that could have come.

    first finishes what stands above, and is called before a text is written, which takes long.
    """
    chosen = controls.prompt_format()
    view = _in_format(view, chosen)
    lost = "written" in st.session_state and "tree" not in st.session_state
    tree = _kept_tree(view)
    tree.interrupt()  # a run of this page before this one may still be writing
    length, stop = controls.length_and_stops("write", LONGEST)
    stop = (*chosen.stop, *stop)
    context = view.lm.config.block_size
    if len(view.ids) + len(tree.path) + length > context:
        st.caption(
            f"This model reads at most {context:,} tokens at once: when they are full, it forgets "
            "the older half and writes on."
        )
    with st.container(horizontal=True):
        asked = st.button("Write", key="write", type="primary", disabled=tree.full)
        st.button("Start again", key="start_again", on_click=_forget_tree)
    if tree.full:
        st.info(f"This tree has {tree.size} tokens and no room for more. Start again to write on.")
    written = st.empty()
    if st.session_state.pop("write_on", False) or asked:
        first()
        stream(view, tree, settings, written, length, seed, stop)
    if lost:
        st.info(
            "The server was started anew and has lost the text. With the same settings and seed, "
            "Write begins it as before."
        )
    if not tree.path:
        st.markdown(
            "Press **Write**: a token is drawn and added to the text, the model reads the longer "
            "text, the next token is drawn, and so on. Press it again to go on, with the dice of "
            "the seed from their first throw."
        )
        return
    if ended := expert_sentences.of_stop(text(view, tree), tree.path[-1].drawn.token, chosen.stop):
        st.markdown(ended)
    if tree.recipes != {(settings, seed)}:
        st.caption(OTHERWISE)
    at = _chips(view, tree)
    _alternatives(view, tree, at)
    _branches(view, tree)
    _plain_text(view, tree)


def _in_format(view: View, chosen: Format) -> View:
    """The view of the prompt in its format, which the reader can see."""
    if chosen is FORMATS["plain"]:
        return view
    read = view.read(filled(chosen, view.prompt))
    st.code(text_read(view.lm.tokenizer, read), language=None, wrap_lines=True)
    ends = f" The text ends at {show.literal(chosen.stop[0].strip())}." if chosen.stop else ""
    st.caption(
        "This is what the model reads. Tags help a model that has read such tags while it was "
        f"trained, in this very form; to those on board they are signs like any others.{ends}"
    )
    pieces = tuple(view.lm.tokenizer.pieces(list(read.ids)))
    prompt = text_read(view.lm.tokenizer, read)
    return replace(view, prompt=prompt, ids=read.ids, tokens=pieces)


def _kept_tree(view: View) -> Tree:
    """The tree of this prompt, kept as long as this browser looks at it."""
    key = (view.lm.digest, view.ids)
    kept_key, kept = st.session_state.get("tree", (None, None))
    if kept is None or kept_key != key:
        _forget_tree()
        kept = Tree(view.ids)
        st.session_state["tree"] = (key, kept)
    return kept


def _forget_tree() -> None:
    for key in ("tree", "written", "write_on"):
        st.session_state.pop(key, None)


def _chips(view: View, tree: Tree) -> int:
    """The text as chips; the index of the chosen one."""
    path = tree.path
    first = len(view.ids)
    chosen = min(st.session_state.get("written", first) - first, len(path) - 1)
    chips = [_chip(node, first + i) for i, node in enumerate(path)]
    token_chips([ChipRow(chips)], view.scheme, key="text", chosen=first + chosen, choose="written")
    show.source(
        "probabilities of each step",
        (len(path), view.lm.config.vocab_size),
        "what the model wrote after your text, token by token. Click a token to see what could "
        "have come in its place, and click one of those to go on from there.",
    )
    return chosen


def _chip(node: Node, position: int) -> Chip:
    drawn = node.drawn
    hover = f"drawn with probability {drawn.probability:.2%} (the model's own: {drawn.before:.2%})"
    if not drawn.probability:
        hover = f"chosen by you; the rules had removed it (the model's own: {drawn.before:.2%})"
    return Chip(drawn.token, position, hover)


def _alternatives(view: View, tree: Tree, chosen: int) -> None:
    node = tree.path[chosen]
    assert node.parent is not None
    st.markdown(f"**What could stand at position {len(view.ids) + chosen}**, likeliest first")
    with st.container(horizontal=True):
        for alternative in node.parent.alternatives:
            here = alternative.id == node.id
            known = alternative.id in node.parent.children
            sign = "✓ " if here else "● " if known else ""
            label = f"{sign}{show.literal(alternative.token)} {alternative.before:.1%}"
            if not alternative.probability:
                label += " ✕"
            st.button(
                label,
                key=f"alternative_{alternative.id}",
                on_click=_go_on_with,
                args=(tree, chosen, alternative.id),
                disabled=here or (tree.full and not known),
            )
    st.caption(
        "The percentages are the model's own. ✓: stands there now. ●: you have been there. "
        "✕: removed by the rules, so the dice cannot draw it, but you may. A new branch, and "
        "each press of Write, throws the dice of the seed from the first throw."
    )


def _go_on_with(tree: Tree, index: int, token: int) -> None:
    st.session_state["write_on"] = tree.choose(index, token)


def _branches(view: View, tree: Tree) -> None:
    leaves = tree.leaves()
    if len(leaves) < 2:
        return
    st.markdown(f"**The {len(leaves)} branches** of this tree; click one to walk back to it")
    now = [node.id for node in tree.path]
    shown = leaves[-BRANCHES_SHOWN:]
    for leaf in shown:
        path, here = tree.path_to(leaf), leaf is tree.tip
        parting = first_difference(now, [node.id for node in path]) or 0
        pieces = "".join(node.drawn.token for node in path[parting : parting + PIECES_SHOWN])
        label = f"from position {len(view.ids) + parting}: {show.literal(pieces)} …"
        st.button(
            f"✓ {label}" if here else label,
            key=f"branch_{leaves.index(leaf)}",
            on_click=tree.visit,
            args=(leaf,),
            disabled=here,
        )


def _plain_text(view: View, tree: Tree) -> None:
    if st.toggle("Show as plain text", key="plain_text"):
        st.code(view.prompt + text(view, tree), language=None, wrap_lines=True)
