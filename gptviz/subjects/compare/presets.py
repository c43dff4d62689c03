"""Pairs worth comparing among the models on board; what they show was measured in them."""

from collections.abc import Sequence
from dataclasses import dataclass

OPENING = "Once upon a time there was a"
KING, QUEEN = "The king said that", "The queen said that"
REPEATED = "gold silver iron wood gold silver iron"


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
        "TO MEASURE",
        other_model="shakespeare",
    ),
)
BY_SLUG = {preset.slug: preset for preset in PRESETS}
