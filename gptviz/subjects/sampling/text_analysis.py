"""A text that a model writes, token by token: how likely each was, and how it came to be drawn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import pandas as pd

from gptviz.generation import Step
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings
from gptviz.tokenizers import Tokenizer

LENGTH = 40  # tokens: some three lines, and on the models on board less than half a second
TEMPERATURES = (0.0, 0.5, 0.8, 1.0, 1.5)  # from the same text each time to hardly a word


@dataclass(frozen=True)
class Recipe:
    """All that a text depends on, but the model: equal recipes give equal texts."""

    ids: tuple[int, ...]  # what the model reads to begin with
    settings: SamplingSettings
    seed: int
    length: int = LENGTH  # tokens to write, unless the text ends before
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """One token that was written."""

    id: int
    token: str  # its visible piece
    text: str  # as it reads in a book, if it is more than a part of a letter; else its piece
    before: float  # the model's own probability
    probability: float  # under the distribution that it was drawn from
    rank: int  # its place in that distribution, the likeliest first, from 1; equals share a place
    kept: int  # how many tokens that distribution could give
    repeated: bool  # whether it stood in the text already, which the repetition penalty asks


def written(step: Step, tokenizer: Tokenizer, so_far: Iterable[int]) -> Written:
    """What there is to know of a step of `LanguageModel.generate` after these ids."""
    return Written(
        id=step.id,
        token=step.token,
        text=readable(tokenizer, step.id, step.token),
        before=float(step.logits.softmax(-1)[step.id]),
        probability=step.probability,
        rank=1 + int((step.probabilities > step.probabilities[step.id]).sum()),
        kept=int((step.probabilities > 0).sum()),
        repeated=step.id in so_far,
    )


def readable(tokenizer: Tokenizer, token: int, piece: str) -> str:
    """A token as it reads in a book, with a sign where it is no more than a new line.

    Its piece, if it is a part of a letter only, or none of the tokenizer's.
    """
    try:
        text = tokenizer.token_bytes(token).decode()
    except ValueError:
        return piece
    if not text.strip("\n"):
        return piece + text
    return text if text.replace("\n", "").isprintable() else piece


def write(lm: LanguageModel, recipe: Recipe) -> Iterator[Written]:
    """Follow a recipe, one token at a time.

    Raises ValueError where the model's numbers become NaN.
    """
    ids = list(recipe.ids)
    settings = asdict(recipe.settings)
    for step in lm.generate(ids, recipe.length, **settings, seed=recipe.seed, stop=recipe.stop):
        yield written(step, lm.tokenizer, ids)
        ids.append(step.id)


def text_table(texts: Mapping[str, Iterable[Written]]) -> pd.DataFrame:
    """All tokens of some texts by name, in order. Columns: written with, index, and of `Written`.

    Without its text, which shows nothing of spaces: its piece does.
    """
    rows = [
        {"written with": name, "index": index, **asdict(token)}
        for name, tokens in texts.items()
        for index, token in enumerate(tokens)
    ]
    return pd.DataFrame(rows).drop(columns="text", errors="ignore")


def at_temperatures(recipe: Recipe) -> dict[str, Recipe]:
    """A recipe at five temperatures, by their names; all else, the dice included, is the same."""
    return {
        f"temperature {temperature:g}": replace(
            recipe, settings=replace(recipe.settings, temperature=temperature)
        )
        for temperature in TEMPERATURES
    }
