"""The loss of typed logits, of a probability, of this text, and of what may come next."""

import math

import numpy as np
import pandas as pd
import streamlit as st

from gptviz.app import choices, show, typed
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.powers import fixed, raised
from gptviz.app.theme import Scheme
from gptviz.subjects.loss import analysis, figures
from gptviz.subjects.residual.analysis import typed_token

LOGIT_KEYS = ("logits", "target")  # of the address
CURVE_KEYS = ("chance",)
NEXT_KEYS = ("next",)
MOST_LOGITS = 12
LOGITS = "2, 1, 0.5"
KNOWN = (0.9, 0.5, 0.1)  # probabilities that stand on the curve for comparison
CHANCES = {
    f"{p:g}": f"{p:g}"
    for p in (*(i / 1000 for i in (1, 2, 5, 10, 20)), *(i / 20 for i in range(1, 21)))
}
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so nobody can say "
    "how wrong it is; choose another model"
)


def of_logits(scheme: Scheme) -> None:
    """From typed logits to the loss of the token that came."""
    places = st.columns(2)
    with places[0]:
        text = typed.text("logits", "Logits: a score for each token", LOGITS)
    logits = typed.row_in(text, MOST_LOGITS)
    with places[1]:
        target = choices.index(
            "target", "The token that came", len(logits), min(1, len(logits) - 1)
        )
    table = analysis.from_logits(logits)
    came = table.iloc[target]
    p = _probability(came["loss"])
    st.markdown(
        f"Token {target} came. The model gave it a probability of "
        f"**{p}**, so the loss is −ln {f'({p})' if ' ' in p else p} = "
        f"**{fixed(came['loss'], 3)}**."
    )
    show.chart(
        figures.probabilities(table, target, scheme),
        key="from_logits",
        name="softmax(logits)",
        shape=(len(table),),
        how_to_read="the loss looks at one bar only, that of the token that came (orange, with "
        f"▼). Each bar is the probability of one token. {term('softmax', 'Softmax')} takes e to "
        "each logit and divides by the sum of all, so the order stays and all sum to 1. Add the "
        "same number to all logits, and nothing changes. In the numbers, `power` is e to the "
        "logit less the largest one.",
        table=table,
        code=Code(analysis.from_logits, (f"table = from_logits({logits!r})",)).drawn(
            figures.probabilities, f"table, {target}"
        ),
    )


def _probability(loss: float) -> str:
    """e to −loss with three digits, however near to 0 or 1: 0.231, 4.2 · 10⁻⁶, 1 − 2.1 · 10⁻⁵."""
    p, rest = math.exp(-loss), -math.expm1(-loss)
    if p < figures.LEAST_SHARE:
        return _e_to(-loss)
    if 0 < rest < figures.LEAST_SHARE:
        return f"1 − {fixed(rest, 3)}"
    return f"{p:.3f}"


def _e_to(x: float) -> str:
    """e to a number so large or small that floats may not hold it: 4.2 · 10⁻⁶, 1.3 · 10⁹⁵⁰."""
    power = math.floor(x / math.log(10))
    digits, more = f"{math.exp(x - power * math.log(10)):.1e}".split("e")
    return f"{digits} · 10{raised(power + int(more))}"


def of_probability(scheme: Scheme) -> None:
    """The curve of −ln p, with a probability to move."""
    p = float(choices.one_in_order("chance", "p: probability of what came", CHANCES, "0.25"))
    points = pd.DataFrame({"probability": [p, *(each for each in KNOWN if each != p)]})
    points["loss"] = -np.log(points["probability"]) + 0.0
    labels = [f"{row.probability:g} → {row.loss:.3f}" for row in points.itertuples()]
    table = analysis.curve()
    st.markdown(
        f"−ln {p:g} = **{-math.log(p) + 0.0:.3f}**: as unsure as a choice between "
        f"**{1 / p:.3g}** equally likely tokens."
    )
    show.chart(
        figures.curve(
            table,
            points,
            labels,
            scheme,
        ),
        key="curve",
        name="−ln p",
        shape=(len(table),),
        how_to_read="half the probability always costs 0.693 more. That is ln 2 "
        f"{term('nats')}, or one bit. "
        "To the right the model was sure of what came, and pays next to nothing; to the left it "
        "had ruled it out, and pays much. At p = 0 the loss is infinite: whoever says never "
        "and is wrong has lost everything.",
        table=table,
        code=Code(analysis.curve, ("table = curve()",)).drawn(
            figures.curve,
            f"table, points, {labels!r}",
            "import pandas as pd",
            f"points = pd.DataFrame({points.to_dict('list')!r})",
        ),
    )


def of_sentence(view: View) -> None:
    """The loss of the text, token by token, its mean and its perplexity."""
    table = analysis.sentence(view.trace)
    if not np.isfinite(table["loss"]).all():
        raise ValueError(BROKEN)
    last, uniform = table.iloc[-1], math.log(view.lm.config.vocab_size)
    is_held = np.isfinite(last["perplexity"])
    perplexity = f"{last['perplexity']:,.1f}" if is_held else _e_to(last["mean loss"])
    st.markdown(
        f"The mean loss of this text is **{fixed(last['mean loss'], 3)}** {term('nats')} a token, "
        f"a {term('perplexity')} of e to that: **{perplexity}**. The model was as "
        f"unsure as if it chose between that many equally likely tokens each time, of "
        f"{view.lm.config.vocab_size:,} that it knows."
    )
    show.chart(
        figures.sentence(table, view.tokens, uniform, view.scheme),
        key="sentence",
        name="−ln softmax(logits)",
        shape=(len(table),),
        how_to_read="each bar is the loss of one token, given the ones before it: high is a "
        "surprise. The line is the mean up to there; at the end it is the loss of the text. The "
        "dotted line is ln V, the loss of a guess that gives all tokens the same; above it the "
        "model would have done better without any idea. The first token has no bar, for nothing "
        "stands before it. Training asks at all positions at once and makes the mean of such bars "
        "small, over all of its text; whoever writes asks after the last token alone.",
        table=table,
        code=view.code(analysis.sentence, "table = sentence(trace)").drawn(
            figures.sentence, f"table, trace.tokens, {uniform!r}"
        ),
    )


def of_next(view: View) -> None:
    """How wrong the model would be if a typed token came next."""
    logits = view.trace.logits[-1]
    if not logits.isfinite().all():
        raise ValueError(BROKEN)
    likeliest = view.lm.tokenizer.pieces([int(logits.argmax())])[0]
    text = st.text_input(
        "What comes next?",
        key="next",
        bind="query-params",
        max_chars=60,
        placeholder=f"left empty: “{likeliest}”, the likeliest",
    )
    token = typed_token(view.lm, text, logits) if text else int(logits.argmax())
    table = analysis.next_table(view.lm, view.trace, token)
    chosen = table.iloc[0]
    st.markdown(
        f"If “{show.literal(chosen['token'])}” came next, the loss would be "
        f"**{fixed(chosen['loss'], 3)}**: the model gives it "
        f"{figures.chance(chosen['probability'])}, number {chosen['rank']:,} of "
        f"{len(logits):,} tokens."
    )
    show.chart(
        figures.next_losses(table, view.scheme),
        key="next_loss",
        name=f"−ln softmax(logits[{len(view.ids) - 1}])",
        shape=(len(logits),),
        how_to_read="the less a token was expected, the higher its bar: that is what the model "
        "would pay if it came. The orange one with ▼ is yours, the others are the likeliest. The "
        "probabilities of all tokens together are 1, so a low loss for one means higher losses "
        "for others.",
        table=table,
        code=view.code(analysis.next_table, f"table = next_table(lm, trace, {token})").drawn(
            figures.next_losses
        ),
    )
