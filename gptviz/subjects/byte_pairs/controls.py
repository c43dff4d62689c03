"""Which text pairs are learnt from, and how large the vocabulary is to be."""

import functools
from dataclasses import dataclass

from gptviz.app import choices, show, typed
from gptviz.subjects.byte_pairs.tale import TALE
from gptviz.tokenizers.baselines import SHAKESPEARE
from gptviz.tokenizers.trained import SMALLEST

SOURCES = {"plays": "The plays", "tale": "A Korean tale", "own": "Your own"}
LONGEST = 20_000  # characters of one's own text
SIZES = (SMALLEST, 300, 400, 512, 1024, 2048, 4096, 8192, 16_000, 24_000, 32_000)


@dataclass(frozen=True)
class Source:
    """A text to learn from, and the lines of Python that give it under the name `text`."""

    text: str
    lines: tuple[str, ...]


def source() -> Source:
    """The chosen text; one's own may be empty."""
    chosen = choices.one_of("learn_from", "Text to learn from", SOURCES)
    match chosen:
        case "plays":
            found = "from gptviz.tokenizers.baselines import SHAKESPEARE"
            return Source(_plays(), (found, 'text = SHAKESPEARE.read_text(encoding="utf-8")'))
        case "tale":
            return Source(TALE, ("from gptviz.subjects.byte_pairs.tale import TALE", "text = TALE"))
    text, came = typed.paragraphs(
        "own_text", "Your text, read when you click beside it", LONGEST, height=100
    )
    if came > len(text):
        show.note(
            f"{came:,} characters came and {LONGEST:,} fit here: the first {LONGEST:,} are read. A "
            "whole book can be the text of a run, on the page Training"
        )
    return Source(text, (f"text = {text!r}",))


def size() -> int:
    """The chosen size of the vocabulary, whether the text fills it or not."""
    options = {str(number): f"{number:,}" for number in SIZES}
    return int(choices.one_in_order("bpe_size", "Size of the vocabulary", options, "1024"))


@functools.cache
def _plays() -> str:
    return SHAKESPEARE.read_text(encoding="utf-8")
