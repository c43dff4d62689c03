"""Write into the text, a token a run of the page: drawn by the model, or a candidate of one's own.

What a click asks for stands in the session as `prompt_wish` until the next run has done it: "one",
"on", or a token's id. While the model writes, each run ends with a wish of the browser's, "again".
So any other control, which starts a run without it, ends the writing, and so does a tab that is
closed; and nothing is held between two tokens.
"""

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st
from cachetools import LRUCache

from gptviz.app import allowance, component, dice, look, show
from gptviz.app.glossary import term
from gptviz.app.prompt import box
from gptviz.app.prompt.reading import Reading, extended
from gptviz.language_model import LanguageModel
from gptviz.sampling import SamplingSettings
from gptviz.subjects.overview.writing_analysis import Writer
from gptviz.subjects.sampling.analysis import more_rules

if TYPE_CHECKING:
    from collections.abc import Hashable

COMPONENT = component.register(__file__)
REST = 2  # times as long as the run took: a third of one core is left to the writer
SHORTEST, LONGEST = 0.15, 0.3  # seconds of rest: slow enough to follow with the eyes

WRITER_BYTES_KEPT = 64 * 2**20
_writers: "LRUCache[Hashable, Writer]" = LRUCache(
    WRITER_BYTES_KEPT, lambda writer: min(writer.nbytes, WRITER_BYTES_KEPT)
)


def write(lm: LanguageModel, read: Reading) -> Reading:
    """Do what the last click asked for; the text as it is then."""
    state = st.session_state
    state["overview_begun"] = time.monotonic()
    wish = state.pop("prompt_wish", None)
    token, words = None, ""
    if isinstance(wish, int):
        token = wish if 0 <= wish < lm.config.vocab_size else None  # which no page asks for
    elif wish:
        token, words = _drawn(lm, read)
    if token is not None:
        read = extended(lm, read, token)
        box.keep(lm, read)
    goes_on = wish in ("on", "again")
    state["prompt_writes"] = goes_on and token is not None and not read.full
    if goes_on and read.full:
        words = words or _full(read)
    state["overview_said"] = words
    return read


def buttons() -> None:
    """The two buttons beside the text."""
    st.button("Write the next token", key="write_one", on_click=_ask, args=("one",))
    writes = bool(st.session_state.get("prompt_writes"))
    st.button("Stop" if writes else "Go on", key="write_on", on_click=_go_or_stop)


def said() -> None:
    """Why the model did not write, if it did not."""
    if words := st.session_state.get("overview_said"):
        st.info(show.literal(f"{words[:1].upper()}{words[1:]}"))


def how() -> None:
    """With which dice the buttons write."""
    settings = dice.settings()
    rules = [f"{term('temperature')} {settings.temperature:g}"]
    if settings.top_k:
        rules.append(f"{term('top-k')} {settings.top_k}")
    if settings.top_p < 1:
        rules.append(f"top-p {settings.top_p:g}")
    if settings.repetition_penalty != 1:
        rules.append(f"repetition penalty {settings.repetition_penalty:g}")
    rules += [f"{title} {value:g}" for title, value in more_rules(settings).items()]
    st.caption(
        f"*Write the next token* and *Go on* throw dice over these probabilities, with "
        f"{', '.join(rules)} and {term('seed')} {_seed()}; the page Sampling changes them. "
        f"Same seed, same text."
    )


def append(token: int) -> None:
    """Ask for a token of one's own; call it when a candidate is clicked."""
    _ask(token)


def go_on() -> None:
    """While the model writes: let the browser ask for more, when others have had their turn."""
    state = st.session_state
    if not state.get("prompt_writes"):
        return
    began = state["overview_begun"]
    rest = min(max(REST * (time.monotonic() - began), SHORTEST), LONGEST)
    COMPONENT(
        key="go_on",
        data={"text": state["overview_went_on"], "run": began, "rest": round(rest * 1000)},
        on_again_change=lambda: _ask("again"),
        on_enough_change=lambda: None,
    )


def _ask(wish: str | int) -> None:
    state = st.session_state
    if wish == "on":
        state["overview_went_on"] = time.monotonic()
    if wish != "again" or state.get("prompt_writes"):
        state["prompt_wish"] = wish


def _go_or_stop() -> None:
    if st.session_state.get("prompt_writes"):
        st.session_state.pop("prompt_wish", None)
    else:
        _ask("on")


def _drawn(lm: LanguageModel, read: Reading) -> tuple[int | None, str]:
    """The next token that the dice draw, or the reason why there is none.

    As long as nothing else changes the text, the dice go on where they were.
    """
    if read.full:
        return None, _full(read)
    state, settings, seed = st.session_state, dice.settings(), _seed()
    writing = state.get("overview_writing")
    if writing is None or not writing.goes_on(lm, read, settings, seed):
        writing = _Writing(lm.digest, read.whole, settings, seed, read.whole)
    start = writing.start
    writer = look.shared(
        _writers,
        (lm.digest, start, settings, seed),
        lambda: Writer(lm, start, read.longest - len(start), settings, seed),
    )
    count = len(writing.now) - len(start)
    try:
        for index in range(min(count, len(writer.drawn)), count + 1):
            with look.slot(), allowance.charged():
                token = writer.token(index)
    except ValueError as error:
        return None, f"{error}."
    if token is None:
        state.pop("overview_writing", None)
        return None, "The model has drawn the end of the text. Press again to begin another."
    state["overview_writing"] = replace(writing, now=(*writing.now, token))
    return token, ""


@dataclass(frozen=True)
class _Writing:
    """From which ids the dice of a seed were first thrown, and the ids since the last throw."""

    digest: str
    start: tuple[int, ...]
    settings: SamplingSettings
    seed: int
    now: tuple[int, ...]

    def goes_on(
        self, lm: LanguageModel, read: Reading, settings: SamplingSettings, seed: int
    ) -> bool:
        here = (lm.digest, read.whole, settings, seed)
        return here == (self.digest, self.now, self.settings, self.seed)


def _seed() -> int:
    seed = str(st.session_state.get("seed", st.query_params.get("seed", "0")))
    usable = re.fullmatch(r"\d{1,10}", seed, re.ASCII) and int(seed) <= dice.LARGEST_SEED
    return int(seed) if usable else 0


def _full(read: Reading) -> str:
    return f"There is no more room: the picture holds {read.longest} tokens. Shorten the text."
