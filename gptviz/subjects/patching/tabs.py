"""Two prompts, the tokens that tell them apart, and what each patch restores."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.chips.pair import Row, chip_pair
from gptviz.app.examples import EXAMPLES
from gptviz.app.frame import View
from gptviz.app.presets import preset_row
from gptviz.journey import likeliest_tokens
from gptviz.subjects.patching import figures, sentences
from gptviz.subjects.patching.analysis import (
    ATTN,
    HEADS,
    MLP,
    STREAM,
    answers_restored,
    table,
)
from gptviz.subjects.patching.presets import BY_SLUG, MODEL, PRESETS, Preset

PLACES = {"stream": STREAM, "heads": HEADS, "attn": ATTN, "mlp": MLP}
TITLES = {
    "stream": "The stream after each layer",
    "heads": "Each head",
    "attn": "What attention adds",
    "mlp": "What the MLP adds",
}
OPENING = "Once upon a time there sat a"  # beside the first example; as long in letters, too
LONGEST_WORDS = 60  # words of a text that are listed with their tokens


@dataclass(frozen=True)
class Pair:
    """Two prompts of equal length, and the next token that fits each."""

    clean: tuple[int, ...]
    corrupted: tuple[int, ...]
    answer: int
    other_answer: int


def presets() -> None:
    """A row of pairs to begin with."""
    preset_row(BY_SLUG, MODEL, _take)


def preset_of(view: View, corrupted: str) -> Preset | None:
    """The preset that is on the screen, if it is one; with no special token before its text."""
    if view.special.begin:
        return None
    here = (view.lm.name, view.prompt, corrupted)
    return next((p for p in PRESETS if here == (MODEL, p.prompt, p.corrupted)), None)


def _take(preset: Preset) -> None:
    st.session_state["corrupted"] = preset.corrupted
    for key in ("answer", "other_answer"):  # those of the pair
        st.session_state.pop(key, None)
        st.query_params.pop(key, None)


def second_text(prompt: str) -> str:
    """The corrupted prompt, as typed; at first one that fits the text with which the app opens."""
    opens = prompt == EXAMPLES[0].text
    typed = st.text_input(
        "A second text that ends differently, with as many tokens as yours",
        OPENING if opens else PRESETS[0].corrupted,
        key="corrupted",
        bind="query-params",
    )
    return typed or ""


def pair(view: View, corrupted: str, preset: Preset | None) -> Pair | None:
    """Both prompts beside each other, and the two answers; None, with a sentence, if they fail."""
    try:
        ids = view.read(corrupted).ids
    except ValueError as error:
        show.failure(error, "That is the second text.")
        return None
    chip_pair(
        Row("clean", view.ids, view.tokens),
        Row("corrupted", ids, view.lm.tokenizer.pieces(ids)),
        view.scheme,
        key="pair",
        aligned=len(ids) == len(view.ids),
    )
    if len(ids) != len(view.ids):
        _explain(view, ids, corrupted)
        return None
    if ids == view.ids:
        st.info("Both texts are the same. Change a word in the second one.")
        return None
    answers: list[int | None] = [None, None]
    if preset:
        encode = view.lm.tokenizer.encode
        answers = [encode(preset.answer)[0], encode(preset.other_answer)[0]]
    columns = st.columns(2, gap="medium")
    with columns[0]:
        answer = _answer(view, view.ids, "answer", "The clean text goes on with", answers[0])
    with columns[1]:
        other = _answer(view, ids, "other_answer", "The corrupted one with", answers[1])
    if answer == other:
        st.info("Both texts go on alike. Choose two different next tokens, or change a word.")
        return None
    return Pair(view.ids, ids, answer, other)


def _answer(view: View, ids: tuple[int, ...], key: str, label: str, first: int | None) -> int:
    found = look.look(likeliest_tokens, view.lm, look.trace(view.lm, ids), len(ids) - 1)
    options = {
        str(row["id"]): f"{row['token']} {100 * row['probability']:.1f} %"
        for _, row in found.iterrows()
    }
    if first is not None:
        shown = options.pop(str(first), view.lm.tokenizer.pieces([first])[0])
        options = {str(first): shown, **options}
    return int(choices.one_of_many(key, label, options))


def _explain(view: View, ids: tuple[int, ...], corrupted: str) -> None:
    show.problem(
        f"Your text has {len(view.ids)} tokens, the second one {len(ids)}. Patching puts the "
        f"vector of one token in the place of another, so both need the same number."
    )
    st.markdown("How many tokens each word costs; change a word for one that costs as many:")
    for text in (view.prompt, corrupted):
        words = re.findall(r"\s?\S+", text)[:LONGEST_WORDS]
        counted = [f"{word.strip()} {len(view.lm.tokenizer.encode(word))}" for word in words]
        st.text(" · ".join(counted))


def restored(view: View, chosen: Pair) -> None:
    """What each patch restores, as a map."""
    place = choices.one_of("patched", "Taken from the clean run", TITLES)
    names = PLACES[place]
    n = view.lm.config.n_head if place == "heads" else len(view.ids)
    arguments = (chosen.clean, chosen.corrupted, names, chosen.answer, chosen.other_answer)
    words = f"Running the model {view.lm.config.n_layer * n:,} times …"
    try:
        found = look.look_for_long(answers_restored, view.lm, *arguments, words=words)
    except ValueError as error:
        show.failure(error)
        return
    values = found.numpy()
    labels = _labels(view, chosen, place)
    if place == "heads":
        st.markdown(sentences.of_heads(values))
    else:
        told = values.copy()
        if place == "stream":
            told[-1, -1] = np.nan  # the clean answer is read from there: all of it, always
        st.markdown(sentences.of_positions(told, view.tokens))
    show.chart(
        figures.restored(values, labels, view.scheme),
        key="restored",
        name=f"{names}, from the clean run in the corrupted one",
        shape=tuple(values.shape),
        how_to_read="how much of the clean answer one patch brings back: 0 is the corrupted run, "
        "1 the clean one. Each square is a run of its own on the corrupted text, in which one "
        "vector (or one head) is taken from the clean run. Measured by how far the logit of the "
        "clean answer lies above that of the other. What lies beyond 1 or −1 has the strongest "
        "colour. (Meng et al., 2022; Heimersheim and Nanda, 2024)",
        table=table(found, labels, "head" if place == "heads" else "position"),
        code=view.code(
            table,
            "from gptviz.subjects.patching.analysis import answers_restored",
            f"found = answers_restored(lm, {', '.join(map(repr, arguments))})",
            f"table = table(found, {labels!r}, {'head' if place == 'heads' else 'position'!r})",
        ).drawn(figures.restored, f"found.numpy(), {labels!r}"),
    )


def _labels(view: View, chosen: Pair, place: str) -> Sequence[str]:
    if place == "heads":
        return [f"H{head}" for head in range(view.lm.config.n_head)]
    others = view.lm.tokenizer.pieces(list(chosen.corrupted))
    return [
        f"{i} {own}" if own == other else f"{i} {own} / {other}"
        for i, (own, other) in enumerate(zip(view.tokens, others, strict=True))
    ]
