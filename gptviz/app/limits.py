"""What each visitor of a class may do: what the options of `gptviz --classroom` set."""

from dataclasses import dataclass

from gptviz.app.hosts import shown


@dataclass(frozen=True)
class Limits:
    """What holds for each visitor; who teaches has none."""

    training: bool = True  # whether visitors train at all; if so, one run at a time each
    max_parameters: int = 1_000_000  # of a run's model
    max_steps: int = 2_000  # of a run
    max_tokens: int = 4_096  # that a step reads
    uploads: bool = False  # whether a visitor's own text may be learnt from
    max_prompt: int = 128  # tokens of a text that are read
    max_seconds: int = 20  # of the processor in a minute, for what takes long


def count(text: str) -> int:
    """A number as --max-steps takes it; raises ValueError in words for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise ValueError(f"{shown(text)} came; it must be a whole number, 1 or more, as in: 2000")
    return int(text)
