"""The details under the grid of heads: each draws one tab of the attention page."""

from dataclasses import dataclass
from functools import partial

import streamlit as st
from torch import Tensor

from gptviz.app import choices, show
from gptviz.app.code import Code
from gptviz.app.frame import View
from gptviz.app.glossary import term
from gptviz.subjects.attention import analysis as attention
from gptviz.subjects.attention import figures
from gptviz.subjects.attention.drawn_figures import LONGEST_SIDE
from gptviz.subjects.attention.finding import HOW
from gptviz.subjects.attention.finding_analysis import places
from gptviz.subjects.attention.lines import attention_lines
from gptviz.subjects.attention.square import attention_square

READ_A_PATTERN = (
    "each row is a token that looks, each column a token looked at. The stronger the colour, the "
    "larger the weight: 0 has the colour of the page, and the scale always ends at 1. Point at a "
    "place to read it; click a row, or go there with the arrow keys, to choose its token. "
)
ROWS_SUM_TO_1 = "Each row sums to 1. The corner is empty, for no token can see those after it."
LEFT_OUT = (
    "The first token is left out. Each row is renormalised, so that it sums to 1 again: this is "
    "not what the model computed, but shows what else a head looks at where much weight rests on "
    "token 0. A row with nothing left is blank."
)
TITLES = {
    "normalised-entropy": "normalised entropy",
    "previous-token": "previous token",
    "first-token": "first token",
    "induction": "induction",
    "same-token": "same token",
    "sentence-end": "sentence end",
    "further-back": "further back",
}
MEASURES = {
    "normalised-entropy": "how widely a head spreads its weights: 0 is all on one token, 1 is the "
    f"same on every token it can see (mean of {term('entropy')} ÷ ln of the visible tokens, from "
    "row 1 on)",
    "previous-token": "the weight on the token just before (mean of all rows from row 1 on)",
    "first-token": "the weight on token 0 (mean of all rows from row 1 on); many heads rest there "
    "when they find nothing to gather",
    "induction": "the weight on what came next, wherever the same token stood earlier: after “one "
    "two three one”, how much the second “one” looks at the first “two” (all such places added "
    "up; mean of all tokens that occurred before)",
    "same-token": "the weight on the same token, wherever it stood earlier: after “one two three "
    "one”, how much the second “one” looks at the first (all such places added up; mean of all "
    "tokens that occurred before)",
    "sentence-end": "the weight on tokens that end a sentence, as . ! ? do (mean of all tokens "
    "after such a one)",
    "further-back": "the largest weight that the last token gives to one token further back: not "
    "to token 0, to itself or to the one just before",
}


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns as the page shows them: the model's own, or without the first token."""

    own: Tensor  # (n_layer, H, T, T)
    without_first: bool

    @property
    def shown(self) -> Tensor:
        """What is drawn, (n_layer, H, T, T)."""
        return attention.without_first(self.own) if self.without_first else self.own

    @property
    def note(self) -> str:
        """What has to be said below each picture."""
        return LEFT_OUT if self.without_first else ""

    def named(self, name: str) -> str:
        """The name of a tensor, with what was done to it."""
        return f"{name} without token 0, renormalised" if self.without_first else name

    def written(self, pattern: str) -> str:
        """A pattern as Python writes it."""
        return f"without_first({pattern})" if self.without_first else pattern

    @property
    def imports(self) -> tuple[str, ...]:
        """What the written pattern needs."""
        if not self.without_first:
            return ()
        return ("from gptviz.subjects.attention.analysis import without_first",)


def how_to_read(patterns: Patterns) -> str:
    """How to read the picture of all heads."""
    side = -(-patterns.own.size(-1) // LONGEST_SIDE)
    blocks = f"Each dot is the largest weight among {side} × {side} tokens. " if side > 1 else ""
    return (
        "one square a head: rows look, columns are looked at, in the order of the text. Click a "
        f"head, or go there with the arrow keys, to open it. {blocks}{HOW} {patterns.note}"
    )


def one_head(view: View, patterns: Patterns, layer: int, head: int, query: int) -> None:
    """The open head's pattern as a square, to read weight by weight."""
    pattern = patterns.shown[layer, head]
    name = patterns.named(f"h.{layer}.attn.pattern[{head}]")
    attention_square(pattern, view.tokens, query, view.scheme, key="pattern", name=name)
    show.source(
        name,
        tuple(pattern.shape),
        f"{READ_A_PATTERN}{ROWS_SUM_TO_1} {patterns.note}",
    )
    table = partial(attention.pattern_table, pattern, view.tokens)
    code = _pattern_code(view, patterns, layer, head)
    code = code.drawn_by_hand("square", f"pattern, trace.tokens, token={query}")
    show.numbers(table, "pattern", code)


def _pattern_code(view: View, patterns: Patterns, layer: int, head: int) -> Code:
    written = patterns.written(f"trace['h.{layer}.attn.pattern'][{head}]")
    return view.code(
        attention.pattern_table,
        *patterns.imports,
        f"pattern = {written}",
        "table = pattern_table(pattern, trace.tokens)",
    )


def lines(view: View, patterns: Patterns, layer: int, head: int, query: int) -> None:
    """The chosen head's pattern as lines from token to token."""
    pattern = patterns.shown[layer, head]
    name = patterns.named(f"h.{layer}.attn.pattern[{head}]")
    left_out = attention_lines(pattern, view.tokens, query, name)
    how_to_read = (
        "a line leads from a token that looks to one it looks at; the clearer the line, the "
        "larger the weight. Point at a token to see its lines alone, with their weights; click "
        f"it to choose it. {left_out} {patterns.note}"
    )
    show.source(name, tuple(pattern.shape), how_to_read)
    table = partial(attention.pattern_table, pattern, view.tokens)
    code = _pattern_code(view, patterns, layer, head)
    code = code.drawn_by_hand("lines_of", f"pattern, trace.tokens, token={query}")
    show.numbers(table, "lines", code)


def head_map(view: View, patterns: Patterns, layer: int, head: int) -> None:
    """All heads coloured by one measure."""
    measure = choices.one_of_many("measure", "Colour by", TITLES)
    title = TITLES[measure]
    measures = attention.head_measures(patterns.own, view.ids)
    measures |= places(patterns.own, view.ids, view.tokens)
    values = measures[title].numpy()
    if measures[title].isnan().all():
        st.info(f"This prompt has nothing of the kind, so no head has a value for {title}.")
    show.chart(
        figures.head_map(values, title, view.scheme, (layer, head)),
        key="head_map",
        name="h.*.attn.pattern",
        shape=tuple(patterns.own.shape),
        how_to_read=f"one square a head, coloured by {MEASURES[measure]}. The scale runs from 0 "
        "to 1. Measured on the model's own patterns, token 0 included.",
        table=attention.head_table(measures),
        code=view.code(
            attention.head_table,
            "from gptviz.subjects.attention.analysis import head_measures, patterns",
            "from gptviz.subjects.attention.finding_analysis import places",
            "heads = patterns(trace)",
            "measures = head_measures(heads, trace.ids) | places(heads, trace.ids, trace.tokens)",
            "table = head_table(measures)",
        ).drawn(
            figures.head_map, f"measures[{title!r}].numpy(), {title!r}, chosen=({layer}, {head})"
        ),
    )


def over_heads(view: View, patterns: Patterns, layer: int, query: int) -> None:
    """The heads of one layer as one pattern: their mean, or the largest of them."""
    ways = {
        "mean": (attention.mean_over_heads, f"the mean of the layer's heads. {ROWS_SUM_TO_1}"),
        "maximum": (
            attention.maximum_over_heads,
            "the largest weight that any head of the layer gives; its rows can sum to more than 1.",
        ),
    }
    titles = {"mean": "Mean", "maximum": "Maximum"}
    way = choices.one_of("over_heads", "Over heads", titles)
    combine, meaning = ways[way]
    heads = patterns.shown[layer]
    pattern = combine(heads)
    name = f"h.{layer}.attn.pattern"
    attention_square(pattern, view.tokens, query, view.scheme, key="mean_or_maximum", name=name)
    show.source(
        f"{way} over heads of {patterns.named(name)}",
        tuple(heads.shape),
        f"{READ_A_PATTERN}Each place is {meaning} {patterns.note}",
    )
    show.numbers(
        partial(attention.pattern_table, pattern, view.tokens),
        "mean_or_maximum",
        view.code(
            combine,
            "from gptviz.subjects.attention.analysis import pattern_table",
            *patterns.imports,
            f"heads = {patterns.written(f'trace[{name!r}]')}",
            f"pattern = {combine.__name__}(heads)",
            "table = pattern_table(pattern, trace.tokens)",
        ).drawn_by_hand("square", f"pattern, trace.tokens, token={query}"),
    )
