"""Texts side by side, each word tinted by its probability."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from gptviz.app import component, dice
from gptviz.app.frame import View
from gptviz.app.save import file_name
from gptviz.app.theme import PALETTES
from gptviz.subjects.sampling.continuation_analysis import first_difference
from gptviz.subjects.sampling.text_analysis import Recipe, Written

# What all pictures with a text bring along beside their own style sheet.
PROSE = f"<style>{Path(__file__).with_name('prose.css').read_text(encoding='utf-8')}</style>"
COLUMNS = component.register(__file__, PROSE + '<div class="columns"></div>')


def text_columns(
    view: View,
    recipes: Mapping[str, Recipe],
    notes: Mapping[str, str],
    texts: Mapping[str, Sequence[Written]],
) -> None:
    """Draw texts by name, with a note below some names; each is compared with the one before."""
    ids = [[token.id for token in tokens] for tokens in texts.values()]
    partings = [None, *(first_difference(one, other) for one, other in pairwise(ids))]
    COLUMNS(
        key="columns",
        data={
            "file": file_name("texts"),
            "tint": PALETTES[view.scheme].sequential[2],
            "texts": [
                {
                    "name": name,
                    "note": notes.get(name, ""),
                    "settings": dice.plain(recipes[name].settings),
                    "tokens": [asdict(token) for token in tokens],
                    "parting": parting,
                }
                for (name, tokens), parting in zip(texts.items(), partings, strict=True)
            ],
        },
    )
