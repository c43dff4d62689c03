"""What a tokenizer.json puts around a text: the tokens that a model was trained to see there."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokenizers import processors

Around = tuple[tuple[int, ...], tuple[int, ...]]


def around(processor: Mapping[str, Any] | None) -> Around:
    """The ids before a text and those behind it, by the post_processor of a tokenizer.json.

    The library `tokenizers` has read it already, so it is of one of these kinds.
    """
    match processor or {}:
        case {"type": "Sequence", "processors": steps}:
            before: tuple[int, ...] = ()
            behind: tuple[int, ...] = ()
            for step in steps:  # each puts its own around what those before it made
                first, last = around(step)
                before, behind = first + before, behind + last
            return before, behind
        case {"type": "TemplateProcessing", "single": pieces, "special_tokens": named}:
            place = next(i for i, piece in enumerate(pieces) if "Sequence" in piece)
            return _ids(pieces[:place], named), _ids(pieces[place + 1 :], named)
        case {"type": "BertProcessing" | "RobertaProcessing", "cls": first, "sep": last}:
            return (first[1],), (last[1],)
    return (), ()


def made(
    ids: Mapping[str, int], first: int | None, last: int | None
) -> processors.TemplateProcessing:
    """What puts one token before a text and one behind it, by their ids; None for no such one."""
    named = {token: name for name, token in ids.items() if token in (first, last)}
    before, behind = ([] if token is None else [named[token]] for token in (first, last))
    return processors.TemplateProcessing(
        single=[*before, "$A", *behind],
        special_tokens=[(name, token) for token, name in named.items()],
    )


def in_words(before: Sequence[str], behind: Sequence[str]) -> str:
    """That a text gets more around it elsewhere than here; the tokens as they are shown."""
    parts = ((before, "before"), (behind, "behind"))
    told = " and ".join(f"{' '.join(pieces)} {where}" for pieces, where in parts if pieces)
    return (
        f"Its tokenizer puts {told} each text for transformers; here a text ends as it was typed, "
        f"and at most one token stands before it."
    )


def _ids(pieces: list[Any], named: Mapping[str, Any]) -> tuple[int, ...]:
    names = [piece["SpecialToken"]["id"] for piece in pieces if "SpecialToken" in piece]
    return tuple(token for name in names for token in named[name]["ids"])
