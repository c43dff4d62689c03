"""What is chosen below the explorer: the settings B, how long a text is, and where it ends."""

import streamlit as st

from gptviz.app import choices, dice
from gptviz.sampling import SamplingSettings
from gptviz.subjects.sampling import formats_analysis
from gptviz.subjects.sampling.analysis import PRESETS
from gptviz.subjects.sampling.continuation_analysis import parse_stops
from gptviz.subjects.sampling.formats_analysis import FORMATS, Format
from gptviz.subjects.sampling.text_analysis import LENGTH

LABELS_OF_B = {
    "temperature": "temperature of B",
    "top_k": "top k of B",
    "top_p": "top p of B",
    "repetition_penalty": "repetition penalty of B",
    "min_p": "min p of B",
    "typical_p": "typical p of B",
    "no_repeat_ngram_size": "no-repeat n-grams of B",
}


def other_settings() -> SamplingSettings:
    """A second row of settings, to compare with the first; `creative` unless chosen."""
    creative = PRESETS["creative"]
    chosen = {}
    row = st.container(horizontal=True)
    for name in dice.RANGES:
        low, high = dice.RANGES[name]
        whole = name in dice.WHOLE
        dice.drop_unless_a_number(f"b_{name}")
        chosen[name] = row.number_input(
            LABELS_OF_B[name],
            min_value=int(low) if whole else float(low),
            max_value=int(high) if whole else float(high),
            value=getattr(creative, name),
            step=1 if whole else 0.05,
            key=f"b_{name}",
            bind="query-params",
            width=190,
        )
    return SamplingSettings(**{**chosen, "top_k": chosen["top_k"] or None})


def length_and_stops(name: str, most: int) -> tuple[int, tuple[str, ...]]:
    """How many tokens to write, most at most, and after which texts to stop."""
    left, right = st.columns(2, vertical_alignment="bottom", gap="medium")
    length = left.slider(
        "Tokens to write", 1, most, LENGTH, key=f"{name}_length", bind="query-params"
    )
    typed = right.multiselect(
        "Stop as soon as one of these was written",
        ["\\n", "\\n\\n", ".", "!", "?"],
        key=f"{name}_stop",
        bind="query-params",
        accept_new_options=True,
        placeholder="write all tokens",
        help="Choose, or type any text. \\n stands for a new line.",
    )
    return length, tuple(parse_stops(typed))


def prompt_format() -> Format:
    """What stands around the text. Raises ValueError, in words, for one that cannot be used."""
    titles = {slug: chosen.title for slug, chosen in FORMATS.items()}
    slug = choices.pill("format", "Prompt format", titles)
    if slug != "own":
        return FORMATS[slug]
    typed = st.text_input(
        "Your own format",
        "<task>{text}</task>\\n<answer>",
        key="template",
        bind="query-params",
        max_chars=formats_analysis.LONGEST,
        help="{text} stands for your text, \\n for a new line. A tag that is left open at the end "
        "ends the answer where it is closed.",
    )
    return formats_analysis.own(typed or "")
