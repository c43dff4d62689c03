"""Changes worth a look in the tales on board, each with a text and what to expect of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from gptviz.subjects.what_if.changes_analysis import Change

MODEL = "tales"


@dataclass(frozen=True)
class Preset:
    """A change to the model on board, on a text that shows what it does."""

    slug: str
    title: str
    prompt: str
    change: Change
    expect: str  # what to expect and why; its numbers are tested against the model


NAME = "'My name is Rumpelstiltskin,' said the little man. 'Rump"
PRINCESS = "The princess was so sad that nobody could comfort"
TALE = "Once upon a time there was a"

PRESETS: Sequence[Preset] = (
    Preset(
        "no-copying",
        "Without the copying head",
        NAME,
        Change("off", "head", layer=4, head=3),
        "One head of 48 looks back to where “Rump” stood before. Switched off, it takes the "
        "rest of the name with it: “el” falls from 98 % to 6 %.",
    ),
    Preset(
        "no-token-before",
        "Blind to the token before",
        PRINCESS,
        Change("off", "head", layer=0, head=0),
        "L0 H0 tells each token which one stands before it. Without it, the model no longer "
        "knows that “comfort” follows “could”, and ends it like a word on its own: “ed”, 85 %.",
    ),
    Preset(
        "her-or-him",
        "Her or him?",
        PRINCESS,
        Change("off", "attn", layer=5),
        "The attention of the last layer still fetches who was sad. Without it, “him” (48 %) "
        "gets ahead of “her” (18 %, before 57 %).",
    ),
    Preset(
        "no-order",
        "No order",
        NAME,
        Change("no-positions"),
        "Without its position embedding, a token does not know where it stands. Heads that look "
        "for a neighbour find none, and nothing is copied: “el” falls from 98 % to below 1 %.",
    ),
    Preset(
        "no-shortcut",
        "Without one shortcut",
        TALE,
        Change("no-residual", "attn", layer=2),
        "In one place the stream no longer goes round attention. All that the layers before it "
        "had found is lost, and the loss of the text rises from 1.3 to 7.9 nats.",
    ),
    Preset(
        "no-mask",
        "A look into the future",
        TALE,
        Change("no-mask", layer=0),
        "Each token may look at those to come. The model never learnt to use that: its guesses "
        "get a little worse, not better, from 1.29 to 1.56 nats a token.",
    ),
)
BY_SLUG = {preset.slug: preset for preset in PRESETS}
