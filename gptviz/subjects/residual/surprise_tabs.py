"""How surprised the model was: the prompt as chips, and what that comes to for the whole text."""

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, colour_bar, shades
from gptviz.app.chips.chips import Chip, ChipRow, token_chips
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.residual import sentences
from gptviz.subjects.residual.surprise_analysis import (
    TextLoss,
    expected,
    surprise_table,
    text_loss,
)

NATS_IN_A_BIT = float(np.log(2))


def surprise(view: View, position: int) -> None:
    """The prompt coloured by how surprising each token was; a click chooses a position."""
    if len(view.ids) < 2:
        st.info(
            "Write a second token: nothing stands before the first one, so nothing was expected "
            "of it."
        )
        return
    table = look.look(surprise_table, view.lm, view.trace)
    if not np.isfinite(table["nats"]).all():
        show.problem(
            "What this model expects of this text is not all numbers, so nobody can say how "
            "surprised it was. Its weights are broken: choose another model."
        )
        return
    size = view.lm.config.vocab_size
    bits = choices.switch("bits", "In bits, not nats")
    unit, name = (NATS_IN_A_BIT, "bits") if bits else (1.0, "nats")
    st.markdown(show.literal(sentences.most_surprising(table, size)))
    values = table["nats"].to_numpy() / unit
    guess = float(np.log(size)) / unit
    colours = Colours(
        0, guess, "0: knew it", f"{guess:.1f} {name}: no better than a blind guess, or worse"
    )
    chips = [
        Chip(view.tokens[0], 0, "the first token: nothing was expected of it", behind="transparent")
    ]
    for row, value, (behind, ink) in zip(
        table.itertuples(), values, shades(values, colours, view.scheme), strict=True
    ):
        told = f"{value:.2f} {name} · p {row.probability:.4f} · rank {row.rank:,} · expected "
        chips.append(Chip(row.token, row.position, f"{told}{row.expected}", behind=behind, ink=ink))
    token_chips([ChipRow(chips)], view.scheme, key="surprise", chosen=position, choose="position")
    colour_bar(colours, view.scheme)
    show.source(
        "−ln softmax(logits)",
        (len(table),),
        "the stronger the colour of a token, the less the model had expected it after the ones "
        "before it. Point at a token for its probability, its rank and the five that were "
        "expected; click it, and the other pages go to it, too. Surprise is −ln p, in "
        f"{term('nats')}; one bit is 0.693 nats. The first token has no colour, for nothing "
        "stands before it.",
    )
    show.numbers(table, "surprise", view.code(surprise_table, "table = surprise_table(lm, trace)"))
    _what_was_expected(view, position)
    _whole_text(look.look(text_loss, view.lm, view.trace), size)


def _what_was_expected(view: View, position: int) -> None:
    piece = show.literal(view.tokens[position])
    if position == 0:
        st.markdown(f"**Chosen: token 0**, “{piece}”. Nothing stands before it. Click another one.")
        return
    found = look.look(expected, view.lm, view.trace, position)
    st.markdown(f"**What the model expected in place of token {position}**, “{piece}”")
    st.dataframe(
        found.assign(came=found["came"].map({True: "← this one came", False: ""})),
        hide_index=True,
        key="expected",
        column_order=("token", "probability", "rank", "came"),
        column_config={
            "probability": st.column_config.ProgressColumn(
                "probability", format="%.4f", min_value=0, max_value=1
            ),
            "came": st.column_config.TextColumn("what came"),
        },
    )


def _whole_text(loss: TextLoss, vocab_size: int) -> None:
    st.markdown("## The whole text")
    st.markdown(show.literal(sentences.as_unsure_as(loss, vocab_size)))
    numbers = (
        (f"{loss.loss:.3f} nats", "mean loss: the mean of −ln p of all tokens but the first"),
        (
            f"{loss.perplexity:,.1f}",
            f"{term('perplexity')}: e to the loss, the number of equal choices",
        ),
        (f"{loss.bits_per_byte:.3f} bits", "a byte: comparable between different tokenizers"),
        (f"{loss.uniform:.3f} nats", "ln V: the loss of a guess that knows nothing"),
    )
    for place, (number, meaning) in zip(st.columns(4), numbers, strict=True):
        with place.container(border=True, height="stretch"):
            st.markdown(f"**{number}**")
            st.caption(meaning)
