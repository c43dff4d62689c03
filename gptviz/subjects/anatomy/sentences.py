"""What the numbers of a shape say, as sentences; a title comes as Markdown."""

import pandas as pd

from gptviz import parameters
from gptviz.app.powers import fixed
from gptviz.config import GPTConfig
from gptviz.jobs.estimate import SPARE
from gptviz.subjects.anatomy import analysis, memory_analysis, work_analysis
from gptviz.subjects.anatomy.family_analysis import PUBLISHED
from gptviz.subjects.anatomy.weights_analysis import Spectrum
from gptviz.subjects.anatomy.work_analysis import Measured

UNITS = {1e12: "TB", 1e9: "GB", 1e6: "MB", 1e3: "kB", 1.0: "bytes"}
ALIKE = 0.1  # norms that differ by less are called alike


def of_parts(title: str, config: GPTConfig) -> str:
    """How many parameters there are, and how attention compares with the MLP in one layer."""
    table = analysis.parts(config).set_index("part")
    attention, mlp = (int(table["one"][part]) for part in ("attention", "MLP"))
    without = (
        ""
        if config.tie_weights
        else (f" ({analysis.without_output_layer(config):,} without the output layer)")
    )
    told = f"**{title}: {parameters.count(config):,} parameters**{without}."
    if not config.n_layer:
        return f"{told} It has no layers."
    if not (config.attention and config.mlp):
        part, n, other = (
            ("attention", attention, "MLP") if attention else ("the MLP", mlp, "attention")
        )
        return f"{told} In each layer, {part} has {n:,}; there is no {other}."
    more = (
        f"the MLP has {mlp / attention:.2f} times as many"
        if mlp >= attention
        else f"attention has {attention / mlp:.2f} times as many"
    )
    return f"{told} In each layer, attention has {attention:,} and the MLP {mlp:,}: {more}."


def formulas(table: pd.DataFrame) -> str:
    """The formulas of all parts, filled in, as a table in Markdown; from `analysis.parts`."""
    rows = [
        f"| {row.part} | {row.formula} | {row.filled} | {row.parameters:,} |"
        for row in table.itertuples()
    ]
    whole = f"| **all** | | | **{table['parameters'].sum():,}** |"
    return "\n".join(["| part | formula | in numbers | = |", "|:--|:--|:--|--:|", *rows, whole])


def of_sizes(table: pd.DataFrame) -> str:
    """How much room the parameters take, from `analysis.sizes`."""
    rows = [
        f"| {row.bits} bits | {fixed(row.MB, 2)} | {fixed(row.MiB, 2)} |"
        for row in table.itertuples()
    ]
    return "\n".join(["| a number in | MB | MiB |", "|:--|--:|--:|", *rows])


def notes() -> str:
    """Where the tables of the papers cannot be followed."""
    return "\n".join(f"- **{m.title}**: {m.note}" for m in PUBLISHED.values() if m.note)


def of_memory(config: GPTConfig, needed: int, free: int | None) -> str:
    """What writing and training take, and whether this machine has it."""
    write = 4 * parameters.count(config) + memory_analysis.cache(config)
    told = (
        f"Writing with it takes **{room(write)}**, training it about **{room(needed)}** at the "
        f"most, PyTorch and the copies of a checkpoint included."
    )
    if free is None:
        return told
    fits = {True: "fits", False: "does not fit"}
    return (
        f"{told} On this machine {room(free)} are free: writing {fits[write <= SPARE * free]}, "
        f"training {fits[needed <= SPARE * free]}."
    )


def of_cache(config: GPTConfig) -> str:
    """The key/value cache with its formula filled in."""
    if not config.has_attention:
        return "Without attention, nothing of a text has to be kept: there are no keys and values."
    values = parameters.letters(config)
    formula, whole = memory_analysis.CACHE, memory_analysis.cache(config)
    return (
        f"Keys and values of a full context: {formula.text} = {formula.filled(values)} = "
        f"{whole:,} bytes (**{room(whole)}**): two vectors a layer and token, 4 bytes a number. "
        f"Each token adds {room(whole / config.block_size)}."
    )


def of_work(config: GPTConfig) -> str:
    """How many operations a token takes, and what share of them looks at other tokens."""
    last = work_analysis.work(config, config.block_size).set_index("part")["FLOPs"]
    whole = work_analysis.flops(config, config.block_size)
    looking = int(last["scores"] + last["weighted sum"])
    per = whole / parameters.count(config)
    return (
        f"The last token of a full context takes **{operations(whole)} operations**, "
        f"{per:.2f} for each parameter; {looking / whole:.1%} of them look at the other tokens "
        f"(scores and weighted sums). To learn from it takes about three times as many: "
        f"{operations(3 * whole)}."
    )


def of_speed(config: GPTConfig, found: Measured) -> str:
    """What was measured, in tokens a second."""
    table = work_analysis.comparison(config, found).set_index("what")
    reading, writing = table.index
    return (
        f"It reads **{found.n_read / found.forward:,.0f} tokens a second** ({found.n_read} tokens "
        f"in {1000 * found.forward:,.3g} ms) and writes **{1 / found.token:,.0f} a second**, one "
        f"after another. Products alone go at {operations(found.flops_per_second)} operations a "
        f"second here, and weights come at {room(found.bytes_per_second)} a second; by that, "
        f"reading would take {1000 * table['predicted'][reading]:,.3g} ms, and a token "
        f"{1000 * table['predicted'][writing]:,.3g} ms."
    )


def of_spectrum(found: Spectrum) -> str:
    """How many directions a matrix mainly uses, and how many a random one would not have."""
    n = len(found.values)
    if not found.values[0]:
        return "All numbers of this matrix are 0, so it has no direction."
    return (
        f"Half of what the matrix does (of the sum of its squares) lies in {found.directions(0.5)} "
        f"of {n:,} directions, and 90 % in {found.directions(0.9):,}. In {found.beyond:,} of them "
        f"it stretches more than chance would let a random matrix of its shape and spread."
    )


def of_norms(table: pd.DataFrame) -> str:
    """In which layers a block's matrices are largest, from `weights_analysis.norms`."""
    if len(table) <= 1:
        return "There is only one layer." if len(table) else "There are no layers."
    told = []
    for name in table.columns[1:]:
        column = table[name]
        if column.max() - column.min() <= ALIKE * column.max():
            told.append(f"{name}: alike in all layers")
        else:
            most, least = int(column.argmax()), int(column.argmin())
            told.append(f"{name}: largest in layer {most}, smallest in layer {least}")
    joined = "; ".join(told)
    return f"{joined[0].upper()}{joined[1:]}."


def room(n_bytes: float) -> str:
    """Bytes in a unit that suits: 497.8 MB, 698.4 GB."""
    size, unit = next((s, u) for s, u in UNITS.items() if n_bytes >= s or s == 1.0)
    return f"{n_bytes:.0f} bytes" if unit == "bytes" else f"{n_bytes / size:.1f} {unit}"


def operations(number: float) -> str:
    """A number of operations in words: 247 million, 6.5 trillion."""
    for size, word in ((1e18, "quintillion"), (1e15, "quadrillion"), (1e12, "trillion")):
        if number >= size:
            return f"{number / size:,.3g} {word}"
    size, word = (1e9, "billion") if number >= 1e9 else (1e6, "million")
    return f"{number / size:,.3g} {word}" if number >= 1e6 else f"{number:,.0f}"
