"""Pairs worth comparing among the models on board; what they show was measured in them."""

from collections.abc import Sequence
from dataclasses import dataclass

OPENING = "Once upon a time there was a"


@dataclass(frozen=True)
class Preset:
    """A left and a right side, and the tab that shows what they are compared for."""

    slug: str
    title: str
    prompt: str
    found: str  # what the comparison finds, and why it is worth a look; its numbers are tested
    model: str = "tales"
    step: int | None = None  # of a run, on the left; its best checkpoint if None
    other_model: str = "tales"
    other_step: str | None = None  # as in the address; the best checkpoint if None
    other_prompt: str = ""  # the same text if empty
    tab: str = "next"
    layer: int | None = None
    head: int | None = None
    word: str | None = None

    @property
    def models(self) -> set[str]:
        """The models that it needs."""
        return {self.model, self.other_model}


PRESETS: Sequence[Preset] = (
    Preset(
        "tales-and-plays",
        "Tales and plays",
        OPENING,
        "One opening, two models that have read different books. The tales expect a “great” "
        "something most, 9.7 %; the plays a “man”, 6.7 %. Almost two thirds of the probability, "
        "63 %, would have to move.",
        other_model="shakespeare",
    ),
    Preset(
        "king-or-queen",
        "The king or the queen",
        "The king said that",
        "One word differs, and “he”, 41 %, becomes “she”, 41 %. When does the model notice? Up to "
        "L4 the two lenses are never more than 5.6 % apart; the last layer makes it 50 %.",
        other_prompt="The queen said that",
        tab="lens",
    ),
    Preset(
        "first-and-last-step",
        "First and last step",
        OPENING,
        "One model before its first step of training and after its last. L0 H3 has learnt to look "
        "at the token just before: “time” gives it 0.17 of its attention at first, and 0.89 in "
        "the end.",
        model="story",
        step=0,
        other_model="story",
        tab="attention",
        layer=0,
        head=3,
    ),
    Preset(
        "a-head-is-born",
        "A head is born",
        "the king and the queen and the king and the",
        "Between step 258 and step 787, L2 H3 becomes an induction head: of its attention, the "
        "second “king” puts 0.74 on what followed the first one, and before 0.09.",
        model="story",
        step=258,
        other_model="story",
        other_step="787",
        tab="attention",
        layer=2,
        head=3,
    ),
    Preset(
        "two-vocabularies",
        "Two vocabularies",
        "The princess opened the door",
        "What cannot be compared: for one model “opened” is one token, for the other two, so from "
        "there on no position means the same. What comes next still can: 43 % of the probability "
        "would have to move.",
        other_model="story",
    ),
    Preset(
        "who-is-near-the-queen",
        "Who is near the queen?",
        "The king and the queen",
        "Each model has its own map of words. In the tales “princess” is the second nearest to "
        "“queen”; in the plays 385 tokens lie nearer.",
        other_model="shakespeare",
        tab="neighbours",
        word="queen",
    ),
)
BY_SLUG = {preset.slug: preset for preset in PRESETS}
