"""Pairs of texts worth patching in the tales on board; what they show was measured in it."""

from collections.abc import Sequence
from dataclasses import dataclass

MODEL = "tales"


@dataclass(frozen=True)
class Preset:
    """A clean and a corrupted prompt, and the next tokens that tell them apart."""

    slug: str
    title: str
    prompt: str  # the clean one
    corrupted: str
    answer: str
    other_answer: str
    found: str  # what patching finds in the model on board; its numbers are tested


PRESETS: Sequence[Preset] = (
    Preset(
        "her-or-him",
        "Her or him?",
        "The princess was so sad that nobody could comfort",
        "The prince was so sad that nobody could comfort",
        " her",
        " him",
        "One head of the last layer, L5 H0, brings the whole difference from the princess to the "
        "end of the text: it alone restores 102 %.",
    ),
    Preset(
        "he-or-she",
        "He or she?",
        "The king said to his son that",
        "The queen said to her son that",
        " he",
        " she",
        "The same head again: L5 H0 alone restores 69 %. It has learnt to fetch who is a he and "
        "who is a she.",
    ),
    Preset(
        "who-was-met",
        "Whom did the wolf meet?",
        "The wolf met the bear. Then the wolf said to the",
        "The wolf met the fox. Then the wolf said to the",
        " bear",
        " fox",
        "The copying head: after “the”, L4 H3 looks at what followed “the” before, and alone "
        "restores 79 %.",
    ),
    Preset(
        "repeated",
        "A repeated passage",
        "gold silver iron wood gold silver iron",
        "gold silver iron glass gold silver iron",
        " wood",
        " glass",
        "Which word followed “iron” the first time? Two copying heads bring it: L4 H3 restores "
        "53 %, L4 H6 another 37 %.",
    ),
    Preset(
        "indirect-object",
        "John and Mary",
        "When John and Mary went to the wood, John gave an apple to",
        "When John and Mary went to the wood, Mary gave an apple to",
        " Mary",
        " John",
        "The classic test of larger models: the one who is not named twice gets the apple. This "
        "small model has not learnt it: after either text it gives either name less than 0.1 %.",
    ),
)
BY_SLUG = {preset.slug: preset for preset in PRESETS}
