"""Norms of typed numbers, and random layers with and without them."""

import math

import streamlit as st

from gptviz.app import choices, look, show, typed
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.number_grid import number_grid
from gptviz.app.powers import fixed, raised
from gptviz.app.theme import Scheme, symmetric_limit
from gptviz.subjects.one_layer import analysis, figures

MOST_ROWS, MOST_COLUMNS = 6, 8
# What a fresh layer of six neurons gives for two examples (seed 123), with four decimals.
NUMBERS = "0.2260, 0.3470, 0, 0.2216, 0, 0; 0.2133, 0.2394, 0, 0.5198, 0.3297, 0"
DIVISORS = {"n": "n (as GPT-2 does)", "n-1": "n − 1"}
EPSILONS = {"0.00001": "0.00001", "0": "0", "0.01": "0.01", "1": "1"}
STEPS = ("typed", "layer norm", "batch norm")
WIDTHS = {str(width): str(width) for width in (64, 128, 256, 512, 768)}
NUMBER_KEYS = ("layer_numbers", "variance_by", "norm_epsilon", "gamma", "beta")  # of the address
DEEP_KEYS = ("weight_std", "layer_width", "layer_seed")
NO_SPREAD = (
    "A cell with – would be 0 ÷ 0, which is no number: its numbers do not differ, so there is no "
    "spread to divide by. Choose an ε above 0, which is there for this case. One number alone has "
    "no variance ÷ (n − 1) at all."
)
STDS = ("0.01", "0.02", "0.03", "0.036", "0.04", "0.05", "0.1", "0.2")


def by_hand(scheme: Scheme) -> None:
    """Layer norm and batch norm of the typed numbers."""
    rows = typed.text(
        "layer_numbers", "Numbers: a row for each example, a column for each neuron", NUMBERS
    )
    places = st.columns([4, 5, 3, 3])
    with places[0]:
        divisor = choices.one_of("variance_by", "The variance divides by", DIVISORS)
    with places[1]:
        epsilon = float(choices.one_of("norm_epsilon", "ε", EPSILONS))
    with places[2]:
        scales = typed.text("gamma", "γ, one or for each", "1")
    with places[3]:
        shifts = typed.text("beta", "β, one or for each", "0")
    numbers = typed.rows_in(rows, MOST_ROWS, MOST_COLUMNS)
    gamma = typed.row_in(scales, MOST_COLUMNS, "γ")
    beta = typed.row_in(shifts, MOST_COLUMNS, "β")
    table = analysis.normalised(numbers, divisor, epsilon, gamma, beta)  # type: ignore[arg-type]
    if table.isna().any(axis=None):
        st.info(NO_SPREAD)
    shape = (len(numbers), len(numbers[0]))
    grids = {step: table[step].to_numpy().reshape(shape) for step in STEPS}
    normed = symmetric_limit(table[["layer norm", "batch norm"]].to_numpy())
    titles = ("What you typed", "Layer norm: each row", "Batch norm: each column")
    drawn = {
        step: number_grid(
            grids[step],
            [f"row {i}" for i in range(shape[0])],
            [str(j) for j in range(shape[1])],
            symmetric_limit(grids[step]) if step == "typed" else normed,
            title,
            scheme,
        )
        for step, title in zip(STEPS, titles, strict=True)
    }
    arguments = f"{numbers!r}, {divisor!r}, {epsilon!r}, {gamma!r}, {beta!r}"
    show.charts(
        drawn,
        key="norms",
        name="γ · (x − mean) / √(variance + ε) + β",
        shape=shape,
        how_to_read=f"{term('layer norm', 'Layer norm')} compares the numbers of one example, "
        f"{term('batch norm')} the examples with "
        "each other. **Layer norm** takes mean and variance of one row, so an example never "
        f"depends on the others. **{term('batch norm', 'Batch norm')}** takes those of a column: "
        "of two examples it says hardly more than which number is larger, and one alone leaves it "
        "nothing. Type a third row, and all rows get other batch norms, while the layer norms "
        "stay. That is why GPTs use layer norm. Red is above 0, blue below; the two norms share "
        "one scale of colours. Batch norm is shown as in training; in use it would take averages "
        "over many batches (Ioffe and Szegedy, 2015).",
        table=table,
        code=Code(analysis.normalised, (f"table = normalised({arguments})",)).drawn_as(
            number_grid,
            {
                step: f"number_grid.number_grid(table[{step!r}].to_numpy().reshape{shape}, "
                f"rows, columns, {symmetric_limit(grids[step]) if step == 'typed' else normed!r}, "
                f"{title!r}, 'light')"
                for step, title in zip(STEPS, titles, strict=True)
            },
            f"rows = [f'row {{i}}' for i in range({shape[0]})]",
            f"columns = [str(j) for j in range({shape[1]})]",
        ),
    )
    st.markdown("**What the norms divide by.** Before ε is added and the root is taken:")
    found = analysis.moments(numbers)
    written = found.style.format(_moment, found.columns[1:], na_rep="–")
    st.dataframe(written, hide_index=True, key="moments")
    show.fine_print(
        "Two variances are in use; a norm divides the sum of squares by n.",
        "The one with n is called biased, as it comes out a little small on average when the "
        "numbers are a sample of many more; n − 1 mends that. A layer norm wants the spread of "
        "these very numbers, so it takes n. With 768 numbers the two differ by 0.13 %, with 6 by "
        "20 %.",
    )


def deep(scheme: Scheme) -> None:
    """Twelve random layers, with and without norms."""
    places = st.columns([2, 2, 1])
    with places[0]:
        std = choices.one_in_order(
            "weight_std",
            "Standard deviation of the weights",
            {each: each for each in STDS},
            "0.1",
        )
    with places[1]:
        width = int(choices.one_in_order("layer_width", "Width: neurons a layer", WIDTHS, "768"))
    with places[2]:
        seed = typed.seed("layer_seed")
    table = look.look(analysis.spread_by_layer, width, float(std), seed)
    first, last = table.iloc[0], table.iloc[-1]
    factor = float(std) * math.sqrt(width)
    st.markdown(
        f"Each layer multiplies the spread by about {std} · √{width} = **{factor:.2f}**. After "
        f"{len(table) - 1} layers without a norm, {first['without norm']:.2f} has become "
        f"**{_written(last['without norm'])}**; with layer norms it is "
        f"**{last['with layer norm']:.2f}**."
    )
    show.chart(
        figures.spread(table, scheme),
        key="spread",
        name="x · W · W · …",
        shape=(analysis.EXAMPLES, width),
        how_to_read="without norms the same factor, again and again, explodes or vanishes; with "
        "norms the spread stays. Each step to the right is one more layer of random weights; the "
        "height is how far its numbers spread. Only at weights of 1 ÷ √width does it stay by "
        f"itself. With a {term('layer norm')} after each layer the weights no longer matter. The "
        "axis multiplies: equal distances are equal factors. There is no activation function "
        "between the layers, so that the rule is exact but for chance.",
        table=table,
        code=Code(
            analysis.spread_by_layer, (f"table = spread_by_layer({width}, {float(std)!r}, {seed})",)
        ).drawn(figures.spread),
    )


def _moment(value: float) -> str:
    """A mean or a variance with four decimals, or with two digits where those would hold less."""
    return fixed(value, 0 if abs(value) < 0.001 and value else 4)


def _written(value: float) -> str:
    """A number of any size, with two or three digits."""
    if 0.01 <= value < 1000:
        return f"{value:.3g}"
    power = math.floor(math.log10(value))
    return f"{value / 10.0**power:.1f} · 10{raised(power)}"
