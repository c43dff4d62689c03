"""What a change does: to the next token, to the text that follows, to attention; and every head."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from gptviz.app import choices, dice, look, show
from gptviz.app.chips.chips import Chip, ChipRow, token_chips
from gptviz.app.frame import View
from gptviz.app.glossary import introduce, term
from gptviz.app.layer_map import layer_map
from gptviz.app.theme import symmetric_limit
from gptviz.sampling import SamplingSettings
from gptviz.subjects.what_if import controls, figures, sentences
from gptviz.subjects.what_if.changes_analysis import (
    Change,
    Effect,
    difference,
    difference_table,
    effect,
    head_effects,
    head_effects_table,
    written,
    written_table,
)

WRITTEN = 20  # tokens
EFFECTS = {
    "loss": "the loss of the text",
    "kl": "the next token (KL)",
    "likeliest": "one token's probability",
}
MEANINGS = {
    "loss": "how much the loss of the text, the mean of −ln p of its tokens in nats, rises when "
    "the head is switched off. Red: the head helps on this text. Blue: it harms.",
    "kl": "how far the guess of the next token moves when the head is switched off: the "
    "Kullback–Leibler divergence in nats from the usual distribution. 0 is no change.",
    "likeliest": "how much the probability of one next token changes when the head is switched "
    "off: of the likeliest, unless you type another. Blue: the head is needed for it. Red: the "
    "head works against it.",
}


def next_token(view: View, change: Change) -> Effect | None:
    """The next token with and without the change; None where the change leaves no numbers."""
    try:
        found = look.look(effect, view.lm, view.trace, change)
    except ValueError as error:
        show.failure(error)
        return None
    st.markdown(introduce(sentences.of_effect(found), "nats", "KL divergence"))
    if not math.isnan(found.loss_before):
        st.markdown(sentences.of_loss(found))
    show.chart(
        figures.before_and_after(found.table, view.scheme),
        key="next_token",
        name=f"softmax of logits[{len(view.ids) - 1}], before and after",
        shape=(2, view.lm.config.vocab_size),
        how_to_read="the likeliest next tokens of both runs, before the change and after it. The "
        "probabilities are those of the whole vocabulary.",
        table=found.table,
        code=view.code(
            effect,
            "from gptviz.subjects.what_if.changes_analysis import Change",
            f"table = effect(lm, trace, {change!r}).table",
        ).drawn(figures.before_and_after),
    )
    return found


def text(view: View, change: Change) -> None:
    """What both runs go on to write with the same dice."""
    settings, seed = dice.settings(), dice.seed()
    rows = []
    ids: list[tuple[int, ...]] = []
    for name, made in (("before", None), ("after", change)):
        words = f"Writing {WRITTEN} tokens, {name} the change …"
        arguments = (view.lm, view.ids, made, settings, seed, WRITTEN)
        ids.append(look.look_for_long(written, *arguments, words=words))
        rows.append(ChipRow(_chips(view, ids[-1]), name))
    st.markdown(sentences.of_texts(*ids))
    if not any(ids):
        return
    token_chips(rows, view.scheme, key="texts", arrange="beside")
    show.source(
        "tokens drawn from both runs",
        (2, max(map(len, ids))),
        "what the model goes on to write, as it is and with the change. Same "
        f"{term('seed')}, same dice: "
        "what differs comes from the change. The settings are those of the page Sampling.",
    )
    show.numbers(
        written_table(view.lm, *ids),
        "texts",
        view.code(written_table, *_written_code(view, change, settings, seed)),
    )


def _written_code(
    view: View, change: Change, settings: SamplingSettings, seed: int
) -> Sequence[str]:
    rest = f"{settings!r}, {seed}, {WRITTEN}"
    return (
        "from gptviz.sampling import SamplingSettings",
        "from gptviz.subjects.what_if.changes_analysis import Change, written",
        f"ids = tuple(lm.ids({view.written!r}))",
        f"before = written(lm, ids, None, {rest})",
        f"after = written(lm, ids, {change!r}, {rest})",
        "table = written_table(lm, before, after)",
    )


def _chips(view: View, ids: Sequence[int]) -> list[Chip]:
    pieces = view.lm.tokenizer.pieces(list(ids))
    return [Chip(piece, len(view.ids) + i, f"id {ids[i]}") for i, piece in enumerate(pieces)]


def attention(view: View, change: Change, found: Effect) -> None:
    """How attention patterns change: the head that changes most, or any other."""
    moved = found.moved
    order = np.argsort(-moved, axis=None, kind="stable")
    places = [divmod(int(i), moved.shape[1]) for i in order]
    st.markdown(introduce(sentences.of_attention(moved, *places[0]), "head"))
    if not moved.any():
        return
    heads = {f"{layer}.{head}": f"L{layer} H{head}" for layer, head in places}
    chosen = choices.one_of_many("changed_head", "Head (what changes most comes first)", heads)
    layer, head = map(int, chosen.split("."))
    values = look.look(difference, view.lm, view.trace, change, layer, head)
    show.chart(
        figures.difference(values, view.tokens, view.scheme),
        key="pattern_difference",
        name=f"h.{layer}.attn.pattern[{head}], after less before",
        shape=tuple(values.shape),
        how_to_read=f"how the pattern of L{layer} H{head} changes. Red: the row's token "
        "looks more at the column's token than before; blue: less. Each row's changes sum to 0.",
        table=difference_table(values, view.tokens),
        code=view.code(
            difference_table,
            "from gptviz.subjects.what_if.changes_analysis import Change, difference",
            f"values = difference(lm, trace, {change!r}, {layer}, {head})",
            "table = difference_table(values, trace.tokens)",
        ).drawn(figures.difference, "values, trace.tokens"),
    )


def each_head(view: View) -> None:
    """Every head switched off in turn, and what that does."""
    by, token = controls.effect_on(view, EFFECTS)
    if by == "loss" and len(view.ids) < 2:
        st.info("A single token has no loss. Type a longer text, or measure by the next token.")
        return
    n_heads = view.lm.config.n_layer * view.lm.config.n_head
    effects = look.look_for_long(
        head_effects,
        *(view.lm, view.ids, by, token),
        words=f"Switching off {n_heads} heads, one by one …",
    )
    values = effects.numpy()
    piece = "" if token is None else view.lm.tokenizer.pieces([token])[0]
    st.markdown(introduce(sentences.of_heads(values, by, piece), "head"))
    show.chart(
        layer_map(
            values,
            [f"H{head}" for head in range(values.shape[1])],
            view.scheme,
            limit=symmetric_limit(values),
            hover="effect",
        ),
        key="each_head",
        name="effect of h.*.attn.z[head] = 0",
        shape=tuple(values.shape),
        how_to_read=f"{MEANINGS[by]} One square a head; the scale fits this picture.",
        table=head_effects_table(effects),
        code=view.code(
            head_effects_table,
            "from gptviz.subjects.what_if.changes_analysis import head_effects",
            f"values = head_effects(lm, tuple(trace.ids), {by!r}, {token})",
            "table = head_effects_table(values)",
        ).drawn(
            layer_map,
            "values.numpy(), [f'H{head}' for head in range(lm.config.n_head)], "
            "limit=symmetric_limit(values.numpy()), hover='effect'",
            "from gptviz.app.theme import symmetric_limit",
        ),
    )
