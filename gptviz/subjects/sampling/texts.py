"""Texts that are written once for all browsers, a token a turn.

A text depends on nothing but the model and its recipe. Whoever needs it first writes it, others
read along, and if the writer turns to something else one of them goes on. The processor is asked
for before every token and given back after it. One text is written after the other: so each stands
there sooner than if all grew together; only a large model's makes way after a while. A text alone
takes what it needs, and stands there when a slider is hardly let go; where others wait, its writer
rests after each token, so that a class leaves most of the time to the pages.
"""

import threading
import time
from collections import deque
from collections.abc import Generator, Hashable, Iterator
from contextlib import contextmanager

from cachetools import LRUCache

from gptviz.app import allowance, look
from gptviz.language_model import LanguageModel
from gptviz.subjects.sampling.text_analysis import Recipe, Written, write

TEXTS_KEPT = 1000  # of 40 tokens each: some 15 MB
MOST_RESTS = 3  # times as long as a token took: one for each other text that waits, up to these
TURN = 0.5  # seconds of writing, without rests, after which it is another text's turn
A_LOOK = 0.05  # seconds until somebody who waits looks whether all has changed
SHOWN_EVERY = 0.1  # seconds


class Text:
    """A text that is being written, or was; `tokens` only ever grows."""

    def __init__(self, lm: LanguageModel, recipe: Recipe):
        self.tokens: list[Written] = []
        self.done = False
        self.problem = ""  # why it ended, if the model could not go on
        self.readers = 0
        self.spent = 0.0  # seconds of its turn
        self.pen = threading.Lock()  # for the one who writes
        self._rest: Iterator[Written] | None = write(lm, recipe)  # lets its memory go at the end

    def add(self) -> None:
        """Write one token, or find that nothing is left to write."""
        assert self._rest is not None
        try:
            token = next(self._rest, None)
        except ValueError as error:
            token, self.problem = None, str(error)
        if token is None:
            self.done, self._rest = True, None
        else:
            self.tokens.append(token)


_lock = threading.Lock()
_texts: LRUCache[Hashable, Text] = LRUCache(TEXTS_KEPT)
_waiting: deque[Text] = deque()  # those that are not whole; the first one is being written


def known(lm: LanguageModel, recipe: Recipe) -> Text | None:
    """The whole text, if somebody has had it written."""
    with _lock:
        text = _texts.get((lm.digest, recipe))
    return text if text and text.done else None


def growing(lm: LanguageModel, recipe: Recipe) -> Generator[Text]:
    """Write a text, or read along; gives it as often as it can be read, and whole at last.

    A run that the user has superseded ends here at once; a text that nobody wants is forgotten.
    Raises UsedUpError for a visitor of a class who has used what there is for each.
    """
    with _wanted(lm, recipe) as text:
        shown = time.monotonic()
        while not text.done:
            if _is_first(text) and text.pen.acquire(blocking=False):
                try:
                    _write_on(text)
                finally:
                    text.pen.release()
            else:
                _wait(A_LOOK)
            if not text.done and time.monotonic() - shown >= SHOWN_EVERY:
                yield text
                shown = time.monotonic()
        yield text


def _is_first(text: Text) -> bool:
    with _lock:
        return bool(_waiting) and _waiting[0] is text


def _write_on(text: Text) -> None:
    """Write a token at the head of those that wait, and rest if there are others."""
    with look.slot(long=True), allowance.charged():
        begun = time.monotonic()
        if not text.done:
            text.add()
        took = time.monotonic() - begun
    with _lock:
        others = len(_waiting) - 1
        text.spent += took
        if text.done or text.spent > TURN:
            _waiting.remove(text)
            if not text.done:
                text.spent = 0
                _waiting.append(text)
    _wait(took * min(others, MOST_RESTS))


def _wait(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, A_LOOK))
        look.end_if_superseded()


@contextmanager
def _wanted(lm: LanguageModel, recipe: Recipe) -> Iterator[Text]:
    key = (lm.digest, recipe)
    with _lock:
        text = _texts.get(key)
        if text is None:
            text = _texts[key] = Text(lm, recipe)
            _waiting.append(text)
        text.readers += 1
    try:
        yield text
    finally:
        with _lock:
            text.readers -= 1
            if not text.readers and not text.done:
                _waiting.remove(text)
                if _texts.get(key) is text:
                    del _texts[key]  # with the model and what it has read
