"""Hidden units at work on one token, one unit on all tokens, and how many are active."""

import numpy as np
import streamlit as st

from gptviz.app import choices, look, show
from gptviz.app.cells.board import Colours, Labels, cell_board
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.app.theme import symmetric_limit
from gptviz.subjects.mlp import analysis as mlp
from gptviz.subjects.mlp import figures, sentences

ONE_NEURON = "One neuron"
MOST = 12  # units that stand as cells below the curve
FUNCTIONS = {"gelu_tanh": "GELU (tanh)", "gelu": "GELU", "relu": "ReLU, the model's own"}
SPREAD = 4.0  # the curve reaches at least so far on both sides of 0
BROKEN = (
    "not everything that this model computes from this text is a number (NaN), so there is nothing "
    "to see in its MLPs; choose another model"
)


def at_work(view: View, layer: int, position: int) -> None:
    """The hidden units of a layer on one token, before and after the activation function."""
    table = mlp.units(view.trace, layer, position)
    _require_numbers(table["act"].to_numpy())
    st.markdown(show.literal(sentences.at_work(table, layer, view.tokens[position])))
    reach = max(SPREAD, symmetric_limit(table["pre"].to_numpy()))
    curve = mlp.curve(view.lm, -reach, reach)
    function = FUNCTIONS[view.lm.config.activation]
    show.chart(
        figures.on_the_curve(table, curve, function, view.scheme),
        key="units",
        name=f"h.{layer}.mlp.pre[{position}] → h.{layer}.mlp.act[{position}]",
        shape=(len(table),),
        how_to_read="each dot is a hidden unit: how far to the right says how well the token fits "
        "what the unit waits for, how high says what it lets through. The function keeps what is "
        f"above 0 and lets next to nothing of the rest through; {term('ReLU')} (dashed) would cut "
        "it off at 0 sharply. Above: how many units have each value before; on the right: after. "
        "An MLP has four times as many units as the token's vector has numbers.",
        table=table,
        code=view.code(mlp.units, f"table = units(trace, {layer}, {position})").drawn(
            figures.on_the_curve,
            f"table, curve(lm, {-reach!r}, {reach!r}), {function!r}",
            "from gptviz.subjects.mlp.analysis import curve",
        ),
    )
    _most_active(view, layer, position)


def one_neuron(view: View, layer: int, position: int) -> None:
    """What one hidden unit reads for, where it fires in this text, and what it writes."""
    act = view.trace[f"h.{layer}.mlp.act"]
    _require_numbers(act.numpy())
    ordered = act[position].abs().argsort(descending=True).tolist()
    listed = {str(index): str(index) for index in ordered}
    index = int(choices.one_of_many("neuron", "Neuron (the most active here come first)", listed))
    found = look.look(mlp.neuron, view.lm, layer, index)
    fires = mlp.activations(view.trace, layer, index)
    st.markdown(show.literal(sentences.what_it_does(found, fires, index)))
    show.chart(
        figures.by_token(
            fires["act"].to_numpy(), view.tokens, position, float(act.max()), view.scheme
        ),
        key="fires",
        name=f"h.{layer}.mlp.act[:, {index}]",
        shape=(len(fires),),
        how_to_read="a bar a token of your text: how much the neuron lets through there. The "
        "scale ends at the largest value of any neuron of this layer on this text; the chosen "
        "token stands out.",
        table=fires,
        code=view.code(mlp.activations, f"table = activations(trace, {layer}, {index})").drawn(
            figures.by_token,
            f'table["act"].to_numpy(), trace.tokens, {position}, float(act.max())',
            f'act = trace["h.{layer}.mlp.act"]',
        ),
    )
    lists = (
        ("It **promotes**", found.promoted),
        ("It **suppresses**", found.suppressed),
        ("It **reads for**", found.reads),
    )
    for place, (title, table) in zip(st.columns(3), lists, strict=True):
        with place:
            st.markdown(title)
            st.dataframe(
                table.style.format({"effect": "{:+.3f}"}),
                hide_index=True,
                key=title,
                column_order=("token", "effect"),
            )
    show.source(
        f"h.{layer}.mlp.c_proj.weight[:, {index}], h.{layer}.mlp.c_fc.weight[{index}]",
        (view.lm.config.n_embd,),
        "a neuron's output is one direction, compared here with every token of the vocabulary. "
        "Promotes and suppresses: what an activation of 1 adds to a token's logit on the direct "
        "way, more or less than to the average one. Reads for: what each token's embedding alone, "
        "through the norm before the MLP, adds before the function; in a later layer the stream "
        "holds much else, so this says less. Many neurons have no single meaning. Geva et al. "
        "(2022, *Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the "
        "Vocabulary Space*).",
    )
    code = view.code(
        mlp.neuron_table,
        "from gptviz.subjects.mlp.analysis import neuron",
        f"table = neuron_table(neuron(lm, {layer}, {index}))",
    )
    show.numbers(mlp.neuron_table(found), "neuron_does", code)


def active(view: View, layer: int, position: int) -> None:
    """The share of hidden units above 0, by layer and token."""
    table = look.look(mlp.share_table, view.lm, view.trace)
    _require_numbers(view.trace.logits.numpy())
    share = table["share"].to_numpy().reshape(view.lm.config.n_layer, -1)
    st.markdown(sentences.how_busy(share))

    def choose(row: int, column: int) -> None:
        st.session_state["layer"], st.session_state["position"] = row, column

    cell_board(
        share,
        (),
        Labels(
            [f"L{i}" for i in range(len(share))],
            [f"{i} {piece}" for i, piece in enumerate(view.tokens)],
            "{row} at {column}: share {value}",
            "Share of active units by layer and token; arrow keys move, Enter chooses",
        ),
        Colours(0, 1, "0: none", "1: all"),
        view.scheme,
        key="share_board",
        chosen=(layer, position),
        choose=choose,
    )
    show.source(
        "h.*.mlp.pre > 0",
        (*share.shape, view.lm.config.mlp_width),
        "each cell is the share of a layer's hidden units that are above 0 before their function, "
        "and so let something through. Click a cell to choose its layer and token.",
    )
    code = view.code(
        mlp.share_table,
        "table = share_table(lm, trace)",
        'share = table["share"].to_numpy().reshape(lm.config.n_layer, -1)',
        "columns = [f'{i} {token}' for i, token in enumerate(trace.tokens)]",
        "layers = [f'L{layer}' for layer in range(lm.config.n_layer)]",
    ).drawn_by_hand("cells", "share, layers, columns")
    show.numbers(table, "share", code)


def _most_active(view: View, layer: int, position: int) -> None:
    table = mlp.most_active(view.trace, layer, position, MOST)
    st.markdown("**The most active neurons.** Click one to see what it does.")
    limit = symmetric_limit(table["act"].to_numpy())

    def choose(_row: int, column: int) -> None:
        st.session_state["neuron"] = str(table["neuron"].iloc[column])
        choices.open_tab(ONE_NEURON)

    cell_board(
        table[["act"]].to_numpy().T,
        (),
        Labels(
            ["after"],
            table["neuron"].astype(str).tolist(),
            "neuron {column}: {value} after its function; click to see what it does",
            "The most active neurons; arrow keys move, Enter opens one",
        ),
        Colours(-limit, limit, f"−{limit:.1f}", f"+{limit:.1f}", "diverging"),
        view.scheme,
        key="neuron_board",
        choose=choose,
    )
    code = view.code(mlp.most_active, f"table = most_active(trace, {layer}, {position}, {MOST})")
    show.numbers(table, "most_active", code)


def _require_numbers(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise ValueError(BROKEN)
