"""What is to be noticed about a vocabulary, as sentences made from the numbers."""

import pandas as pd

from gptviz.app import show
from gptviz.app.glossary import term
from gptviz.subjects.byte_pairs.analysis import Learnt
from gptviz.tokenizers.trained import SMALLEST

NOTHING_TWICE = (
    "no two neighbours of this text stand side by side twice, so there is nothing to merge; choose "
    "a longer text"
)


def too_large(largest: int, size: int) -> str:
    """That a text does not fill a vocabulary of a size."""
    return (
        f"This text fills a vocabulary of {largest:,} tokens, not of {size:,}: then no two "
        f"neighbours are left that stand side by side twice. What you see is of {largest:,}."
    )


def of_size(learnt: Learnt, size: int) -> str:
    """What a size of the vocabulary makes of the text, and what half as much again would save."""
    tokens = learnt.tokens(size)
    told = (
        f"The text has {_counted(learnt.length, 'character')}. Bytes alone make "
        f"{learnt.n_bytes:,} {term('token', 'tokens')} of it, and a {term('vocabulary')} of "
        f"**{size:,}** makes **{tokens:,}**: {learnt.length / tokens:.2f} characters a token. "
    )
    larger = min(size * 3 // 2, learnt.largest)
    if larger == size:
        return f"{told}It is the largest that this text fills."
    fewer = learnt.tokens(larger)
    last = int(learnt.joined[larger - SMALLEST - 1])
    return (
        f"{told}A larger one of {larger:,} makes {fewer:,}, **{1 - fewer / tokens:.1%}** fewer; "
        f"its last merge joins a pair that stands there {_times(last)}."
    )


def of_merge(table: pd.DataFrame, done: int, n_bytes: int) -> str:
    """What the last of the merges that are done joins, and what is left."""
    if not done:
        first = table.iloc[0]
        return (
            f"Before any merge each byte is a token: {n_bytes:,} of them in the whole text. "
            f"“{show.literal(first['left'])}” and “{show.literal(first['right'])}” stand side by "
            "side most often, so they will be joined first."
        )
    last = table.iloc[done - 1]
    return (
        f"Rank {last['rank']} joins “{show.literal(last['left'])}” and "
        f"“{show.literal(last['right'])}” to **{show.literal(last['merged'])}**, "
        f"{_times(last['joined'])}. Of {n_bytes:,} bytes, {last['tokens']:,} tokens are left."
    )


def outlined(here: int, done: int) -> str:
    """What is outlined in the beginning of a text, which holds so many of the last merge's."""
    if not done:
        return "Each chip is a byte, as long as nothing is merged."
    if not here:
        return "What the last merge joined stands further on in the text."
    return "Outlined is what the last merge joined."


def of_letters(table: pd.DataFrame, counts: list[int], strange: int) -> str:
    """How many tokens a typed text takes, which of its letters are torn, and why.

    counts are the tokens of the own tokenizer and of GPT-2's; strange is how many of the letters
    the text that was learnt from does not have.
    """
    n = len(table)
    own, gpt2 = counts
    torn = [int((table[column] > 1).sum()) for column in ("own", "GPT-2")]
    told = (
        f"Your {term('tokenizer')} makes {_counted(own, 'token')} of these "
        f"{_counted(n, 'letter')}, **{own / n:.2f}** a letter, and tears {torn[0]} of them apart. "
        f"GPT-2's makes {_counted(gpt2, 'token')}, **{gpt2 / n:.2f}** a letter, and tears "
        f"{torn[1]}. "
    )
    if strange:
        return f"{told}The text that yours learnt from lacks {strange} of these letters."
    return f"{told}The text that yours learnt from has all of these letters."


def of_unknown(table: pd.DataFrame, text: str, back: str, n_tokens: int) -> str:
    """How many letters of a text are unknown, and what comes back of it from both tokenizers."""
    n, lost = len(table), int(table["id"].isna().sum())
    whole = f"Byte pairs write it in {_counted(n_tokens, 'token')}, and the text comes back whole."
    if not lost:
        return (
            f"The text that was learnt from has all of these {_counted(n, 'letter')}: nothing is "
            f"unknown. {whole}"
        )
    return (
        f"The text that was learnt from lacks **{lost}** of these {_counted(n, 'letter')}. "
        f"With one {term('unknown token')} for them all, “{show.literal(text)}” comes back as "
        f"“{show.literal(back)}”. {whole}"
    )


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"
