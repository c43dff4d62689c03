"""What shortcuts do: for gradients in a small network, as a rule, and for tokens in a GPT."""

import streamlit as st

from gptviz.app import address, choices, look, show, typed
from gptviz.app.code import Code
from gptviz.app.glossary import term
from gptviz.app.pages import PAGES
from gptviz.app.powers import raised
from gptviz.app.theme import Scheme
from gptviz.subjects.shortcuts import analysis, figures

NET_KEYS = ("depth", "net_width", "net_seed")  # of the address
POWER_KEYS = ("per_layer", "passed_layers")
GPT_KEYS = ("blocks", "gpt_seed")
DEPTHS = ("1", "2", "3", "5", "8", "12", "16", "24")
PASSED = (*DEPTHS, "48", "96")
WIDTHS = ("1", "2", "3", "4", "8", "16", "32", "64")
FACTORS = {f"{hundredth / 100:g}": f"{hundredth / 100:g}" for hundredth in range(50, 155, 5)}
BLOCKS = ("1", "2", "4", "6", "8", "12", "16", "24")
DEAF = (
    "Here nothing comes back even with shortcuts: the sums have grown so far below 0 that the last "
    "GELU answers 0, whatever changes. In a deep network shortcuts need norms beside them, as on "
    "the page One layer by hand. Try fewer layers, or another seed."
)

SILENT = (
    "Some layers get no gradient even with shortcuts, and have no point in the picture: what comes "
    "into them has grown so far below 0 that their GELU answers 0, whatever changes. The shortcut "
    "carries the correction past them."
)


def network(scheme: Scheme) -> None:
    """A small network, whose gradients are compared layer by layer."""
    places = st.columns([2, 2, 1])
    with places[0]:
        depth = _chosen("depth", "Layers", DEPTHS, "5")
    with places[1]:
        width = _chosen("net_width", "Width: neurons a layer", WIDTHS, "3")
    with places[2]:
        seed = typed.seed("net_seed", 123)
    table = look.look(analysis.gradients, depth, width, seed)
    first = table.iloc[0]
    st.markdown(
        f"The first layer's mean gradient is **{_written(first['without'])}** without shortcuts "
        f"and **{_written(first['with'])}** with them. In the last layer it is "
        f"{_written(table['without'].iloc[-1])} and {_written(table['with'].iloc[-1])}."
    )
    silent = table.loc[table["with"] == 0, "layer"].tolist()
    if len(silent) == depth:
        st.info(DEAF)
    elif silent:
        st.info(f"{SILENT} Here: {', '.join(map(str, silent))}.")
    show.chart(
        figures.by_layer(table, scheme),
        key="gradients",
        name="layers.*.weight.grad",
        shape=(depth, width, width),
        how_to_read="read from right to left, as a correction goes: without shortcuts less and "
        "less of it is left. The higher a point, the more that layer learns from the correction; "
        f"without shortcuts the first layers hardly learn. With {term('shortcut', 'shortcuts')} a "
        "copy of it passes around each layer, and far more of it arrives. Each layer is a linear "
        f"one with {term('GELU')}; the last has one neuron, and the network is to answer 0 to "
        f"numbers that run from 1 to −1. The points are means of the absolute {term('gradient')} "
        "of a layer's weights. Shortcuts are also called residual or skip connections (He et al., "
        "2016, *Deep Residual Learning for Image Recognition*).",
        table=table,
        code=Code(analysis.gradients, (f"table = gradients({depth}, {width}, {seed})",)).drawn(
            figures.by_layer
        ),
    )


def powers(scheme: Scheme) -> None:
    """What many equal factors come to."""
    places = st.columns(2)
    with places[0]:
        factor = float(
            choices.one_in_order("per_layer", "Each layer multiplies by", FACTORS, "0.8")
        )
    with places[1]:
        layers = _chosen("passed_layers", "Layers", PASSED, "12")
    table = analysis.powers(factor, layers)
    last = table.iloc[-1]
    power = raised(layers)
    st.markdown(
        f"0.9{power} = **{_written(last['0.9'])}**, 1.1{power} = **{_written(last['1.1'])}**, "
        f"and {factor:g}{power} = **{_written(last['own'])}**."
    )
    show.chart(
        figures.powers(table, factor, scheme),
        key="powers",
        name="factor ** layers",
        shape=(layers + 1,),
        how_to_read="a factor a little below 1 vanishes, one a little above 1 explodes, and the "
        "more layers, the worse. A correction passes all layers on its way back, and each "
        "multiplies it. A shortcut adds 1 to the factor of what the layer itself does, so next to "
        "nothing becomes next to 1. In a network, the factor is another one in each layer and "
        "direction; one number for all of them is the simplest case.",
        table=table,
        code=Code(analysis.powers, (f"table = powers({factor!r}, {layers})",)).drawn(
            figures.powers, f"table, {factor!r}"
        ),
    )


def in_a_gpt(scheme: Scheme) -> None:
    """A GPT before its first step, with its shortcuts and without."""
    places = st.columns([3, 1])
    with places[0]:
        n_layers = _chosen("blocks", "Blocks of the GPT", BLOCKS, "12")
    with places[1]:
        seed = typed.seed("gpt_seed")
    table = look.look(analysis.likeness, n_layers, seed)
    last = table.iloc[-1]
    st.markdown(
        f"After {n_layers} blocks, the vectors of two different tokens have a mean "
        f"{term('cosine')} of **{last['without']:.2f}** without shortcuts and "
        f"**{last['with']:.2f}** with them. 1 would mean: all the same."
    )
    show.chart(
        figures.likeness(table, scheme),
        key="likeness",
        name="cosine of h.*[i] and h.*[j]",
        shape=(analysis.BATCH, analysis.TEXT_LENGTH, analysis.TEXT_LENGTH),
        how_to_read="without shortcuts the tokens become all alike, and the more blocks, the more "
        "so. The higher a point, the less the tokens of a text can be told apart there. Before it "
        "has learnt anything, attention mixes all tokens alike; without a way around it, what a "
        "token is is soon lost, and nothing later can bring it back. With shortcuts each vector "
        "keeps itself and only gains something. Both GPTs have the same random weights and read "
        f"the same random tokens; they have width {analysis.GPT_WIDTH}, {analysis.GPT_HEADS} "
        f"{term('head', 'heads')} and {analysis.VOCABULARY} tokens. Dong, Cordonnier and Loukas "
        "(2021, *Attention is Not All You Need*).",
        table=table,
        code=Code(analysis.likeness, (f"table = likeness({n_layers}, {seed})",)).drawn(
            figures.likeness
        ),
    )
    page = PAGES["training"]
    st.page_link(
        page.file,
        label="Watch such a GPT fail to learn: No shortcuts, in the failure gallery of Training",
        query_params={**address.choices(), "runs_tab": "failures", "failure": "no-shortcuts"},
        width="content",
    )


def _chosen(key: str, label: str, numbers: tuple[str, ...], default: str) -> int:
    return int(choices.one_in_order(key, label, dict(zip(numbers, numbers, strict=True)), default))


def _written(value: float) -> str:
    """A number of any size with four digits: 0.2217, 2.017 · 10⁻⁴."""
    if value == 0 or 0.001 <= value < 10_000:
        return f"{value:.4g}"
    digits, power = f"{value:.3e}".split("e")
    return f"{digits} · 10{raised(int(power))}"
