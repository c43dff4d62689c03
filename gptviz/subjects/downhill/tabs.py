"""Steps on a curve, five optimisers on a surface, and Adam's arithmetic for a few gradients."""

import pandas as pd
import streamlit as st

from gptviz.app import choices, look, show, typed
from gptviz.app.code import Code
from gptviz.app.glossary import introduce, term
from gptviz.app.number_grid import number_grid
from gptviz.app.powers import fixed
from gptviz.app.theme import Scheme, symmetric_limit
from gptviz.subjects.downhill import analysis, figures

CURVE_KEYS = ("hill", "curve_rate", "from_x")  # of the address
SURFACE_KEYS = ("landscape", "surface_rate")
ADAM_KEYS = ("gradients", "beta_1", "beta_2")
HILLS = {"bowl": "y = x²", "two-valleys": "Two valleys"}
CURVE_RATES = ("0.01", "0.03", "0.1", "0.2", "0.3", "0.45", "0.5", "0.7", "0.9", "1", "1.05")
STARTS = {f"{tenth / 10:g}": f"{tenth / 10:g}".replace("-", "−") for tenth in range(-22, 23, 2)}
SAID = {
    "bowl": "the steps grow shorter by themselves, for the slope does. The slope of x² is 2x, so "
    "each step multiplies x by 1 − 2 × the rate: 0.5 arrives in one step, from there on every step "
    "jumps over the lowest place, at 1 it jumps back and forth for ever, and above 1 it climbs.",
    "two-valleys": "which valley it ends in depends on where it starts, and on the rate. Nothing "
    "tells it that there is a deeper one: it sees no more than the slope where it stands. A high "
    "rate can carry it over the hill between them.",
}
LANDSCAPES = {"valley": "A long valley", "bend": "A bent valley", "saddle": "A saddle"}
SURFACE_RATES = ("0.003", "0.01", "0.03", "0.1", "0.3", "0.6", "1", "1.2")
TOLD = ("SGD", "momentum", "Adam")  # of the glossary, in what is seen
SEEN = {
    "valley": "at a rate of 0.1, SGD crawls along the floor. The walls are twenty times as steep "
    "as the floor, so a rate that suits the one is wrong for the other; above 1, SGD is thrown "
    "out. Momentum adds up the small pushes along the floor, and Adam measures each direction with "
    "its own past slopes, so the steepness hardly counts.",
    "bend": "at a rate of 0.1, momentum flies past the lowest place and comes back, while the "
    "others are still on their way. Down the wall is easy, and along the bent floor, where the "
    "slope is small and turns, it takes long.",
    "saddle": "at a rate of 0.1, SGD comes down and then stands nearly still in the middle, where "
    "the ground is all but level and leads down on both sides. Momentum gathers speed; Adam takes "
    "a step of about the rate however small the slope is, and so gets away at once.",
}
GRADIENTS = "0.5, 0.5, -0.2, 4, 0.1"
MOST_GRADIENTS = 8
BETAS_1 = {"0": "0", "0.5": "0.5", "0.9": "0.9", "0.99": "0.99"}
BETAS_2 = {"0.5": "0.5", "0.9": "0.9", "0.99": "0.99", "0.999": "0.999"}
SHORTER = 5e-4  # than 1: a first step that does not round to 1.000
NEXT_TO_EPSILON = (
    "The first gradient is not much larger than ε, or 0. Adam adds ε = 10⁻⁸ to √v̂ before it "
    "divides, so here the first step is shorter than the rate."
)
NO_MUON = (
    "Muon is missing here: it comes with PyTorch 2.9, and this is an older one. Install a newer "
    "PyTorch to see it beside the others."
)


def curve(scheme: Scheme) -> None:
    """Gradient descent on a curve, from a place and with a rate to choose."""
    places = st.columns([2, 3, 3])
    with places[0]:
        name = choices.one_of("hill", "Curve", HILLS)
    with places[1]:
        rate = _number("curve_rate", "Rate", CURVE_RATES, "0.1")
    with places[2]:
        start = float(choices.one_in_order("from_x", "Start", STARTS, "2"))
    table = analysis.descent(name, rate, start)
    first, last = table.iloc[0], table.iloc[-1]
    n = int(last["step"])
    end = (
        f"After {n} steps x is **{_written(last['x'])}** and the height **{_written(last['y'])}**."
        if n == analysis.CURVE_STEPS
        else f"It is thrown out: after {n} steps x is {_written(last['x'])}, and it ends there."
    )
    st.markdown(
        f"The slope at x = {_written(first['x'], 1)} is {_written(first['slope'])}, so the first "
        f"step goes by −{rate:g} × {_written(first['slope'])} to "
        f"{_written(table.iloc[1]['x'])}. {end}"
    )
    show.chart(
        figures.descent(analysis.curve(name), table, scheme),
        key="descent",
        name="x ← x − rate · slope",
        shape=(len(table),),
        how_to_read=f"{SAID[name]} Each dot is one step, and the rate says how far a step goes for "
        f"a slope of 1. A model learns the same way, with its {term('loss')} for the height, its "
        f"{term('gradient')} for the slope, and millions of weights in place of one x; its slope "
        f"is that of a few examples, which makes it {term('SGD')}. Steps that leave the curve are "
        "in the numbers.",
        table=table,
        code=Code(analysis.descent, (f"table = descent({name!r}, {rate!r}, {start!r})",)).drawn(
            figures.descent,
            f"curve({name!r}), table",
            "from gptviz.subjects.downhill.analysis import curve",
        ),
    )


def surface(scheme: Scheme) -> None:
    """The paths of all optimisers on one surface, side by side."""
    places = st.columns([2, 3])
    with places[0]:
        name = choices.one_of("landscape", "Surface", LANDSCAPES)
    with places[1]:
        rate = _number("surface_rate", "Rate, the same for all", SURFACE_RATES, "0.1")
    table = look.look(analysis.paths, name, rate)
    hills = look.look(analysis.surface, name)
    tell_of_muon()
    lowest = analysis.SURFACES[name].lowest
    walked = {figures.NAMES[str(key)]: rows for key, rows in table.groupby("optimizer", sort=False)}
    show.charts(
        {
            title: figures.path(hills, rows, lowest, f"{title}: {_end(rows)}", scheme)
            for title, rows in walked.items()
        },
        key="paths",
        name="optimizer.step()",
        shape=(len(walked), analysis.SURFACE_STEPS + 1, 2),
        how_to_read=f"{introduce(SEEN[name], *TOLD)} All begin at the same place and take "
        f"{analysis.SURFACE_STEPS} "
        "steps at the same rate; × is where it is lowest, and the colour grows with the height. "
        f"**{term('momentum', 'Momentum')}** adds {analysis.MOMENTUM:g} of its last step to the "
        f"next one. **{term('Adam')}** divides by how large "
        "the slopes of each direction have been, so its first step goes as far as the rate in "
        f"every direction. **{term('AdamW')}** also pulls both numbers towards 0 (weight decay "
        f"{analysis.DECAY:g}). **{term('Muon')}** makes a matrix's step equally long in all "
        "directions; this point is a matrix of one row, of which that leaves the direction alone, "
        "so its steps hardly change their length. The best rate is not the same for all: move it "
        "before you call one of them the best. Rows of the numbers whose step is 0 are the start.",
        table=table,
        code=Code(analysis.paths, (f"table = paths({name!r}, {rate!r})",)).drawn_as(
            figures.path,
            {
                title: f"figures.path(hills, paths_of[{str(key)!r}], {lowest!r}, "
                f"{f'{title}: {_end(walked[title])}'!r}, 'light')"
                for key, title in figures.NAMES.items()
                if title in walked
            },
            "from gptviz.subjects.downhill.analysis import surface",
            f"hills = surface({name!r})",
            "paths_of = dict(list(table.groupby('optimizer')))",
        ),
    )


def adam(scheme: Scheme) -> None:
    """m, v, their correction and Adam's steps for typed gradients."""
    places = st.columns([4, 3, 3])
    with places[0]:
        text = typed.text("gradients", "The gradients of one weight, step by step", GRADIENTS)
    with places[1]:
        beta1 = float(choices.one_in_order("beta_1", "β₁", BETAS_1, "0.9"))
    with places[2]:
        beta2 = float(choices.one_in_order("beta_2", "β₂", BETAS_2, "0.999"))
    gradients = typed.row_in(text, MOST_GRADIENTS)
    table = analysis.adam_steps(gradients, beta1, beta2)
    first = table.iloc[0]
    g = _exact(first["gradient"])
    square = f"{g}²" if g.replace(".", "").isdigit() else f"({g})²"
    st.markdown(
        f"Step 1: m = (1 − {beta1:g}) · {g} = **{_written(first['m'])}** and "
        f"v = (1 − {beta2:g}) · {square} = **{_written(first['v'], 5)}**, both too "
        f"near 0, for they began there. Divided by 1 − {beta1:g} and 1 − {beta2:g} they are "
        f"**{_written(first['m̂'])}** and **{_written(first['v̂'])}**, and the step is "
        f"{_written(first['m̂'])} ÷ √{_written(first['v̂'])} = **{_written(first['update'])}** × the "
        f"rate. Without the correction it would be {_written(first['uncorrected'])}."
    )
    if abs(abs(first["update"]) - 1) > SHORTER:
        st.info(NEXT_TO_EPSILON)
    columns = [name for name in table.columns if name != "step"]
    values = table[columns].to_numpy()
    titles = [{"gradient": "g", "update": "step", "uncorrected": "raw"}.get(c, c) for c in columns]
    rows = [f"step {step}" for step in table["step"]]
    show.charts(
        {
            "Adam's numbers": number_grid(
                values, rows, titles, symmetric_limit(values), "Adam's numbers", scheme
            ),
            "Its steps": figures.updates(table, scheme),
        },
        key="adam",
        name="m̂ / (√v̂ + ε)",
        shape=values.shape,
        how_to_read="the first step is as long as the rate, whether the gradient is large or "
        "small. *m* is a running mean of the gradients, *v* one of their squares; *m̂* and *v̂* are "
        "the same, corrected for having begun at 0; *step* is m̂ ÷ √v̂, and *raw* m ÷ √v. Gradients "
        "that agree make steps of 1 × the rate, gradients that contradict each other shorter ones. "
        "After a very large gradient, v stays large for about 1 ÷ (1 − β₂) steps and keeps the "
        "next ones short. ε, 10⁻⁸, only keeps 0 ÷ 0 away. Kingma and Ba (2015).",
        table=table,
        code=Code(
            analysis.adam_steps, (f"table = adam_steps({gradients!r}, {beta1!r}, {beta2!r})",)
        ).drawn_as(
            figures.updates,
            {
                "Adam's numbers": f"number_grid(values, {rows!r}, {titles!r}, "
                "symmetric_limit(values), \"Adam's numbers\", 'light')",
                "Its steps": "figures.updates(table, 'light')",
            },
            "from gptviz.app.number_grid import number_grid",
            "from gptviz.app.theme import symmetric_limit",
            f"values = table[{columns!r}].to_numpy()",
        ),
    )


def tell_of_muon() -> None:
    """Say it where this PyTorch has no Muon."""
    if "muon" not in analysis.available():
        st.info(NO_MUON)


def _number(key: str, label: str, numbers: tuple[str, ...], default: str) -> float:
    options = dict(zip(numbers, numbers, strict=True))
    return float(choices.one_in_order(key, label, options, default))


def _end(rows: pd.DataFrame) -> str:
    """Where a path came to, for the title of its picture."""
    last = rows.iloc[-1]
    if last["step"] < analysis.SURFACE_STEPS:
        return f"thrown out, step {last['step']:.0f}"
    return f"height {last['height']:.2g}"


def _written(value: float, digits: int = 3) -> str:
    return fixed(value, digits)


def _exact(value: float) -> str:
    """A typed number as it is: 0.5, −0.2, 1000000."""
    return f"{value + 0.0:.10g}".replace("-", "−")
