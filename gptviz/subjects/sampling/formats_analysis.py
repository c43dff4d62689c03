"""Prompt formats: what stands around a text so that a model knows what is asked of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gptviz.quoting import cut
from gptviz.subjects.sampling.continuation_analysis import parse_stops

PLACE = "{text}"
LONGEST = 1000  # characters of a template


@dataclass(frozen=True)
class Format:
    """A template with {text} in the place of the reader's text, and what ends the answer."""

    title: str
    template: str
    stop: tuple[str, ...] = ()


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "plain": Format("As it stands", PLACE),
        "question": Format(
            "[QUESTION] … [ANSWER]",
            f"[QUESTION]\n{PLACE}\n[/QUESTION]\n\n[ANSWER]\n",
            ("[/ANSWER]",),
        ),
        "tags": Format("<story> … <title>", f"<story>\n{PLACE}\n</story>\n<title>", ("</title>",)),
        "chat": Format("User: … Assistant:", f"User: {PLACE}\nAssistant:", ("\nUser:",)),
        "own": Format("Your own", "", ()),
    }
)


def own(template: str) -> Format:
    r"""A format that was typed, in which \n stands for a new line.

    Its stop tag is the closing one of the tag that it leaves open at its end, as <b> in
    "<a>{text}</a><b>". Raises ValueError, in words, for a template without {text}.
    """
    read = "".join(parse_stops([template[:LONGEST]]))
    if PLACE not in read:
        raise ValueError(
            f"the format “{cut(template, 60)}” has no {PLACE}; write {PLACE} where your text goes"
        )
    end = read.rstrip()
    opener = max(end.rfind("<"), end.rfind("["))
    name = end[opener + 1 : -1] if opener >= 0 else ""
    closed = {"<": ">", "[": "]"}.get(end[opener : opener + 1])
    is_tag = re.fullmatch(r"[\w-]+", name) and end.endswith(str(closed))
    stop = (f"{end[opener]}/{name}{closed}",) if is_tag else ()
    return Format(FORMATS["own"].title, read, stop)


def filled(chosen: Format, text: str) -> str:
    """The format with the text in its place."""
    return chosen.template.replace(PLACE, text)
