"""What is seen when a network does not learn, what it means, and what to try: in the order to ask.

The first question that is answered with yes decides. failures are entries of the failure gallery,
on which each symptom was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gptviz.app.glossary import term

TITLES = {"gradients": "Gradients", "batch": "Overfit one batch"}  # of tabs beside the list


@dataclass(frozen=True)
class Link:
    """A place to look at: a page, its keys in the address, and the words for it."""

    page: str
    words: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Symptom:
    """One question of the list, and what follows if the answer is yes."""

    title: str
    question: str
    meaning: str
    remedies: tuple[str, ...]
    failures: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


SYMPTOMS: Mapping[str, Symptom] = {
    "climbs": Symptom(
        "It climbs, or is NaN",
        f"Does the {term('loss')} climb above its start, jump about, or become NaN?",
        "The corrections overshoot: each step lands on the other side of the valley, and higher.",
        (
            f"Take a third of the {term('learning rate')}.",
            f"Give it a longer {term('warm-up')}: the first steps are the most dangerous ones.",
            "Clip gradients at 1, if you do not yet.",
        ),
        ("rate-too-high", "no-warm-up"),
        (Link("downhill", "Overshoot on a curve of your own", {"tab": "curve"}),),
    ),
    "wrong-start": Symptom(
        "It starts in the wrong place",
        "Is the very first loss far from ln V, V being the number of tokens in the vocabulary?",
        "A network that knows nothing should find all tokens about equally likely, which costs "
        "ln V. One that begins far above it is sure of nonsense: its first weights are too large. "
        "One that begins far below it is told the answer.",
        (
            "Draw the first weights smaller: GPT-2 takes a standard deviation of 0.02.",
            "Look at a few inputs and targets side by side: is a target the token that comes next?",
            "Check the mask: no position may look at a later one.",
        ),
        links=(Link("loss", "What ln V is for your text", {"tab": "sentence"}),),
    ),
    "no-batch": Symptom(
        "It fails on one batch",
        "Can it not even learn one small batch by heart?",
        "Then neither the text nor the size of the model is to blame. The mistake is in the "
        "network, in the loss, or in the loop around them.",
        (
            "Do inputs and targets belong together?",
            "Is the gradient found, then followed, then cleared, once in each step?",
            "Do the parameters get a gradient at all? The tab Gradients shows it.",
        ),
        ("no-shortcuts",),
        (Link("debugging", "Try it: overfit one batch", {"tab": "batch"}),),
    ),
    "hardly-moves": Symptom(
        "It hardly moves",
        "Does the loss fall in an almost straight line, far too slowly?",
        "Each correction is too small to matter.",
        (
            "Take ten times the learning rate, and again, until it becomes unsteady.",
            "Check that the schedule has not brought the rate down to nothing.",
            "Give it norms: without them the first gradients are tiny.",
        ),
        ("rate-too-low", "no-layer-norm"),
        (Link("schedules", "The rate from the first step to the last", {}),),
    ),
    "stands": Symptom(
        "It falls a little and stands",
        "Did the loss fall at first, and stand still where counting tokens alone gets?",
        "What a token is does not reach the top, or what comes down does not reach the bottom: "
        "first layers without a gradient do not learn. Only how often each token occurs can be "
        "learnt then.",
        (
            "Put the norms before each part, as GPT-2 does.",
            f"Keep the {term('shortcut', 'shortcuts')}.",
            "Take fewer layers, a third of the rate, or a longer warm-up.",
        ),
        ("deep-post-norm", "no-shortcuts"),
        (
            Link("debugging", "See which layers get a gradient", {"tab": "gradients"}),
            Link("shortcuts", "Why shortcuts help", {"tab": "network"}),
        ),
    ),
    "memorises": Symptom(
        "Only the training loss falls",
        f"Does the {term('validation loss')} turn and rise while the training loss goes on "
        "falling?",
        f"{term('overfitting', 'Overfitting')}: it learns its text by heart.",
        (
            "Give it more text. Nothing helps as much.",
            f"Take more {term('dropout')}, a smaller model, or more weight decay.",
            "Stop where the validation loss was lowest.",
        ),
        ("too-little-data", "no-dropout"),
        (Link("dropout", "What dropout does", {}),),
    ),
    "a-little-worse": Symptom(
        "It learns, but not enough",
        "Does it learn steadily, and end worse than a model of this size should?",
        "Something that it needs is missing, and it makes do without.",
        (
            "Does it know where a token stands? Without positions it sees a heap of letters.",
            "Compare one change at a time with the same seed: Training queues such runs.",
            "Give it more steps, more heads or more layers, and see which one counts.",
        ),
        ("no-positions", "one-head"),
        (Link("positions", "What a network does without positions", {}),),
    ),
    "odd-text": Symptom(
        "The loss is fine, the text is not",
        "Is the loss good, and the text that it writes repeats itself or makes no sense?",
        "That is no fault of training: the dice that choose each token are loaded badly.",
        (
            f"It repeats itself: raise the {term('temperature')} or top-k, or set a "
            f"{term('repetition penalty')}.",
            "It makes no sense: lower the temperature, or top-k.",
            "Begin with a prompt that looks like what it has read.",
        ),
        links=(Link("sampling", "Load the dice with your own text", {}),),
    ),
    "slow": Symptom(
        "It is too slow",
        "Does it learn as it should, and each step takes too long?",
        "Most of the time goes to a few large products, or to something that is not learning.",
        (
            "See where the time of a step goes: the tab Health of a run on Training.",
            "Take a shorter context, a smaller batch or a smaller vocabulary.",
            "Count what a token costs before you make a model larger.",
        ),
        links=(Link("anatomy", "What a token costs", {"tab": "work"}),),
    ),
}
