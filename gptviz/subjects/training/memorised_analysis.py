"""Which passages of a sample stand word for word in the text that the model learnt from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

N_CHARACTERS = 20  # shorter passages are common phrases more often than memory
LONGEST_SAMPLE = 4000  # characters: each may cost one search through the training text


@dataclass(frozen=True)
class Passage:
    """Characters start to end (exclusive) of a sample; they stand in the text at `place`."""

    start: int
    end: int
    place: int


def passages(sample: str, text: str, n: int = N_CHARACTERS) -> list[Passage]:
    """The longest passages of the sample, of n characters or more, that stand in the text.

    Where two overlap, the later one begins where the earlier ends. So a character is in one of
    them exactly if it is part of n characters in a row that stand in the text. Raises ValueError
    for n below 1 and for a sample of more than 4,000 characters.
    """
    if n < 1:
        raise ValueError(f"passages of {n} characters came; they must have at least 1")
    if len(sample) > LONGEST_SAMPLE:
        raise ValueError(
            f"the sample has {len(sample)} characters; at most {LONGEST_SAMPLE} are searched for"
        )
    found, covered = [], 0
    for start, end in _longest_matches(sample, text, n):
        begin = max(start, covered)
        found.append(Passage(begin, end, text.index(sample[start:end]) + begin - start))
        covered = end
    return found


def share(found: Sequence[Passage], sample: str) -> float:
    """Share of the sample's characters, 0 to 1, that the passages cover."""
    return sum(passage.end - passage.start for passage in found) / len(sample) if sample else 0.0


def halves(text: str) -> tuple[str, str]:
    """What a run trains on, and its last tenth, which it holds out.

    Exact for characters; other tokenizers cut by tokens, some characters before or after.
    """
    cut = len(text) - len(text) // 10
    return text[:cut], text[cut:]


def _longest_matches(sample: str, text: str, n: int) -> Iterator[tuple[int, int]]:
    """Start and end of each match that no longer one contains, in order.

    A match that begins one character later ends no earlier, so its end is only moved on.
    """
    end = last_end = 0
    for start in range(len(sample) - n + 1):
        end = max(end, start + n)
        if sample[start:end] not in text:
            continue
        while end < len(sample) and sample[start : end + 1] in text:
            end += 1
        if end > last_end:
            yield start, end
            last_end = end
