"""The optimisers on one tiny GPT, and what weight decay does with each."""

import streamlit as st

from gptviz.app import address, choices, look, show, typed
from gptviz.app.code import Code
from gptviz.app.glossary import introduce, term
from gptviz.app.pages import PAGES
from gptviz.app.theme import Scheme
from gptviz.subjects.downhill import figures, gpt_analysis
from gptviz.subjects.downhill.analysis import available
from gptviz.subjects.downhill.tabs import tell_of_muon

GPT_KEYS = ("rate_times", "course_seed")  # of the address
DECAY_KEYS = ("decays", "decay")
FACTORS = {
    "0.1": "a tenth",
    "0.3": "× 0.3",
    "1": "as they are",
    "3": "× 3",
    "10": "ten times",
    "30": "× 30",
}
DECAYS = {"0": "0", "0.01": "0.01", "0.1": "0.1", "0.3": "0.3", "1": "1"}
SAID = {
    "adamw": "each number loses the same share at each step: rate × weight decay. That is what the "
    "W stands for: the decay is kept out of what Adam divides.",
    "adam": "Adam takes all of it away in a moment. The decay comes in as a gradient, and Adam "
    "makes its step about as long as the rate however small that gradient is, so the decay that is "
    "set hardly counts unless it is 0. This is the fault that AdamW mends.",
    "sgd": "each number loses the same share at each step: rate × weight decay. For SGD it makes "
    "no difference whether the decay is added to the gradient or done beside it.",
    "momentum": "ten steps of decay add up, as those of a gradient do, so it pulls about ten times "
    "as strongly as with SGD.",
    "muon": "each number loses the same share at each step, as with AdamW: rate × weight decay. "
    "Muon takes the matrices of the blocks, and AdamW the rest.",
}


def courses(scheme: Scheme) -> None:
    """The loss of one tiny GPT with each optimiser."""
    places = st.columns([3, 1])
    with places[0]:
        factor = float(choices.one_in_order("rate_times", "All rates", FACTORS, "1"))
    with places[1]:
        seed = typed.seed("course_seed")
    table = look.look_for_long(
        gpt_analysis.courses, factor, seed, words="Training the same GPT with each of them …"
    )
    tell_of_muon()
    ends = ", ".join(
        f"{figures.NAMES[name]} **{table[name].iloc[-1]:.2f}**"
        if table[name].notna().all()
        else f"{figures.NAMES[name]} **diverged**"
        for name in available()
    )
    said = f"Loss at step {gpt_analysis.STEPS}: {ends}."
    st.markdown(introduce(said, "SGD", "momentum", "Adam", "AdamW", "Muon"))
    model = gpt_analysis.MODEL
    rates = ", ".join(
        f"{figures.NAMES[name]} {factor * gpt_analysis.RATES[name]:g}" for name in available()
    )
    show.chart(
        figures.courses(table, look.look(gpt_analysis.guesses), scheme),
        key="courses",
        name="loss",
        shape=(len(table), len(available())),
        how_to_read="all of them begin with the same weights and read the same batches, so what "
        "differs is only what each makes of the gradients. With a tenth of the rates they are all "
        "slow, and with thirty times as much some are thrown about and leave the picture: the "
        f"choice of the rate counts as much as that of the optimiser. The rates here are: {rates}. "
        "SGD needs a far higher one than Adam, whose steps do not shrink with the gradient. The "
        f"GPT has {model.n_layer} block of width {model.n_embd} and reads {gpt_analysis.BATCH} "
        f"windows of {model.block_size} characters of Shakespeare a step; it is made and corrected "
        "as on the page Training, with gradients clipped at 1. Dotted: what a blind guess pays, "
        "and what counting letters or pairs of them would come to. So few steps say who is quick "
        f"at the start, and little about who is best in the end; another {term('seed')} changes a "
        "little, too.",
        table=table,
        code=Code(gpt_analysis.courses, (f"table = courses({factor!r}, {seed})",)).drawn(
            figures.courses,
            "table, guesses()",
            "from gptviz.subjects.downhill.gpt_analysis import guesses",
        ),
    )
    page = PAGES["training"]
    st.page_link(
        page.file,
        label="Train a model of your own with one of them: Optimizer, among all settings of "
        "Training",
        query_params=address.choices(),
        width="content",
    )


def decay(scheme: Scheme) -> None:
    """What weight decay alone does to each tensor."""
    tell_of_muon()
    places = st.columns([4, 3])
    with places[0]:
        # AdamW first, which the others are held against.
        order = ["adamw", *(name for name in available() if name != "adamw")]
        name = choices.pill("decays", "Optimizer", {key: figures.NAMES[key] for key in order})
    with places[1]:
        strength = float(choices.one_in_order("decay", "Weight decay", DECAYS, "0.1"))
    table = look.look(gpt_analysis.shrunk, name, strength)
    inside, outside = table[table["decayed"]], table[~table["decayed"]]
    if strength == 0:
        st.markdown("Without weight decay nothing acts, and every tensor stays as it is.")
    else:
        st.markdown(
            f"Decay pulls at **{len(inside)}** tensors with {inside['numbers'].sum():,} numbers: "
            f"after {gpt_analysis.WITHOUT_GRADIENT} steps, **{100 * inside['left'].mean():.1f} %** "
            f"of their size is left. It leaves **{len(outside)}** tensors with "
            f"{outside['numbers'].sum():,} numbers alone."
        )
    show.chart(
        figures.shrunk(table, scheme),
        key="shrunk",
        name="|parameter| after ÷ before",
        shape=(len(table),),
        how_to_read=f"{introduce(SAID[name], 'AdamW', 'Adam')} Each bar is one tensor of the tiny "
        "GPT after "
        f"{gpt_analysis.WITHOUT_GRADIENT} steps in which no gradient came, so that the decay is "
        f"all that acts, at a rate of {gpt_analysis.SHRINKING_RATE:g}. Matrices and embeddings are "
        "decayed. Biases and norms, which are vectors, are in a group without decay: there are few "
        "of them, and pulling a norm's γ to 0 would switch the layer off. The numbers began random "
        f"with a standard deviation of {gpt_analysis.STD:g}, γ and biases among them.",
        table=table,
        code=Code(gpt_analysis.shrunk, (f"table = shrunk({name!r}, {strength!r})",)).drawn(
            figures.shrunk
        ),
    )
    st.caption(
        "The groups are made by `decay_groups` in gptviz/training/optimizer.py, for every run of "
        f"the page Training. {term('AdamW')}: Loshchilov and Hutter (2019)."
    )
