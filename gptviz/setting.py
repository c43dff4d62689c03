"""What a setting is: the values that it takes, and the words that explain it."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptviz.quoting import quoted

_NAMED = re.compile(r"\{(\w+)\}")
LARGEST = 2**53 - 1  # browsers calculate in floats, which are exact for whole numbers up to this


class SettingError(ValueError):
    """Settings that cannot work. Says so with their names, as in files and commands."""

    def __init__(self, sentence: str):
        """sentence has the name of each setting in braces."""
        self.sentence = sentence
        super().__init__(self.called({}))

    def called(self, labels: Mapping[str, str]) -> str:
        """The same in the words of somebody who calls settings otherwise, as a form does."""
        return _NAMED.sub(lambda name: labels.get(name[1], name[1]), self.sentence)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a run. Its checks, option, line in a file and control are made of this."""

    name: str  # of the field that holds it
    kind: type  # bool, int, float, str or Path
    label: str  # on the screen
    sentence: str  # what it is
    advice: str = ""  # values that suit
    unit: str = ""  # what a number counts
    least: float | None = None  # the smallest value that it may have
    above: float | None = None  # or the number that it must exceed
    most: float | None = None  # the largest value that it may have
    below: float | None = None  # or the number that it must stay under
    step: float = 1  # how far one press of a button on the screen goes
    choices: Mapping[str, str] | None = None  # the values, and what the screen calls each
    rare: bool = False  # whether most learners can do without it

    @property
    def _must(self) -> str:
        """Which values it takes, as a sentence about one that it does not."""
        if self.choices:
            return "{setting} is {value}; it must be one of {choices}"
        if self.above is not None:
            return _MUST[self.kind, "above"]
        if self.least is None:
            return _MUST[self.kind, ""]
        if self.most is not None:
            return _MUST[self.kind, "from to"]
        return _MUST[self.kind, "from" if self.below is None else "from and below"]

    def check(self, value: Any) -> None:
        """Raise SettingError for a value that it does not take."""
        if not (_is(value, self.kind) and self._includes(value)):
            named = f"{{{self.name}}}"
            choices = ", ".join(map(repr, self.choices or ()))
            limits = {name: getattr(self, name) for name in ("least", "above", "most", "below")}
            raise SettingError(
                self._must.format(setting=named, value=quoted(value), choices=choices, **limits)
            )
        if self.kind is int and value > LARGEST:
            raise SettingError(f"{{{self.name}}} is {quoted(value)}; it must be at most {LARGEST}")

    def _includes(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.kind is str:
            return bool(value)
        return (
            (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )


def check(settings: Iterable[Setting], holder: object) -> None:
    """Check the fields of an object that the settings name. Raises SettingError."""
    for setting in settings:
        setting.check(getattr(holder, setting.name))


_MUST = {
    (bool, ""): "{setting} is {value}; it must be true or false",
    (str, ""): "{setting} is {value}; it must be a text of at least one letter",
    (Path, ""): "{setting} is {value}; it must be a path",
    (int, ""): "{setting} is {value}; it must be a whole number",
    (int, "above"): "{setting} is {value}; it must be a whole number above {above:g}",
    (int, "from"): "{setting} is {value}; it must be a whole number, {least:g} or more",
    (int, "from to"): "{setting} is {value}; it must be a whole number from {least:.10g} to "
    "{most:.10g}",
    (int, "from and below"): "{setting} is {value}; it must be a whole number, at least "
    "{least:g} and below {below:g}",
    (float, ""): "{setting} is {value}; it must be a number",
    (float, "above"): "{setting} is {value}; it must be a number above {above:g}",
    (float, "from"): "{setting} is {value}; it must be a number, {least:g} or more",
    (float, "from to"): "{setting} is {value}; it must be a number from {least:.10g} to "
    "{most:.10g}",
    (float, "from and below"): "{setting} is {value}; it must be a number, at least {least:g} "
    "and below {below:g}",
}


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and -math.inf < value < math.inf
    return isinstance(value, str | Path if kind is Path else kind)
