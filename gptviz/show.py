"""The app's pictures in a notebook, three lines from a text: `gptviz.show.heatmap(lm.trace(text))`.

Each is the very script that draws it in the app, with its style and its numbers, in one piece of
HTML: it needs no server and no network, and shows its weights to whoever points at it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from gptviz.activations import Trace
from gptviz.app.cells import drawn as cells_data
from gptviz.app.cells.drawn import Colours, Labels
from gptviz.app.path.numbers import candidates, is_drawable, path_numbers, stream_in_words
from gptviz.app.path.numbers import stages as path_stages
from gptviz.app.scripted import picture
from gptviz.app.theme import Scale, Scheme
from gptviz.journey import journey, likeliest_tokens
from gptviz.notebook import Html, chip, chips, described, table
from gptviz.sampling import SamplingSettings, stages
from gptviz.subjects.attention import drawn_figures
from gptviz.subjects.attention.analysis import patterns
from gptviz.subjects.attention.finding_analysis import opening_head
from gptviz.subjects.sampling.analysis import more_rules, stage_titles, token_table

FOLDER = Path(__file__).parent
ATTENTION = FOLDER / "subjects" / "attention"
HOVER = "{row}, {column}: {value}"


def tokens(trace: Trace) -> Html:
    """The text as the model reads it: a chip a token; pointing at one tells its position and id."""
    return Html(chips(trace.tokens, trace.ids), f"{len(trace.ids)} tokens")


def heads(trace: Trace, *, scheme: Scheme = "light") -> Html:
    """All heads of all layers at a glance, their patterns side by side."""
    every = patterns(trace)
    best = opening_head(trace)
    chosen = (best.layer, best.head) if best else (0, 0)
    words = f"h.*.attn.pattern · {_sizes(every.shape)}: a row a layer, a column a head"
    data = drawn_figures.grid(every, chosen, scheme)
    return picture(ATTENTION / "grid.js", "heads", data, words, scheme)


def heatmap(
    trace: Trace,
    layer: int | None = None,
    head: int | None = None,
    *,
    token: int | None = None,
    scheme: Scheme = "light",
) -> Html:
    """One head's pattern as a square: each row is a token that looks, each column one looked at.

    Without a layer or a head, it is the head with the most to tell about this text, as on the
    page Attention. The row of `token` is outlined: the last one, unless given. Raises ValueError
    for a layer, head or token that there is not.
    """
    layer, head, position = _place(trace, layer, head, token)
    pattern = trace[f"h.{layer}.attn.pattern"][head]
    words = f"h.{layer}.attn.pattern[{head}] · {_sizes(pattern.shape)}"
    return square(pattern, trace.tokens, token=position, words=words, scheme=scheme)


def lines(
    trace: Trace,
    layer: int | None = None,
    head: int | None = None,
    *,
    token: int | None = None,
    scheme: Scheme = "light",
) -> Html:
    """One head's pattern as lines from token to token; pointing at a token shows its own.

    Which head, and what is refused, is as for `heatmap`. Of more than 64 tokens, token 0 and
    those that lead up to `token` are drawn.
    """
    layer, head, position = _place(trace, layer, head, token)
    pattern = trace[f"h.{layer}.attn.pattern"][head]
    words = f"h.{layer}.attn.pattern[{head}] · {_sizes(pattern.shape)}"
    return lines_of(pattern, trace.tokens, token=position, words=words, scheme=scheme)


def square(
    pattern: Tensor,
    tokens: Sequence[str],
    *,
    token: int | None = None,
    words: str = "",
    scheme: Scheme = "light",
) -> Html:
    """Any pattern (T, T) of a text, such as rollout's, as `heatmap` draws a head's.

    words stand below it. Raises ValueError unless there is one token for each row, and for a
    token that there is not.
    """
    data = drawn_figures.square(pattern, tokens, _position(len(tokens), token), scheme)
    words = words or _sizes(pattern.shape)
    return picture(ATTENTION / "square.js", "square", data, words, scheme)


def lines_of(
    pattern: Tensor,
    tokens: Sequence[str],
    *,
    token: int | None = None,
    words: str = "",
    scheme: Scheme = "light",
) -> Html:
    """Any pattern (T, T) of a text as `lines` draws a head's; all else is as for `square`."""
    data = drawn_figures.lines(pattern, tokens, _position(len(tokens), token))
    words = words or _sizes(pattern.shape)
    return picture(ATTENTION / "lines.js", "lines", data, words, scheme)


def cells(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    texts: Sequence[str] = (),
    *,
    low: float = 0.0,
    high: float = 1.0,
    scale: Scale = "sequential",
    scheme: Scheme = "light",
) -> Html:
    """Numbers (R, C) as a board of cells, coloured from low to high; a "diverging" scale has signs.

    texts, row by row, stand in the cells; without any, the numbers do. Raises ValueError unless
    there is a label for each row and column.
    """
    words = _sizes(values.shape)
    labels = Labels(rows, columns, "{row}, {column}: {text} {value}" if texts else HOVER, words)
    colours = Colours(low, high, f"{low:.3g}", f"{high:.3g}", scale)
    data = cells_data.packed(values, texts, labels, colours, scheme)
    return picture(FOLDER / "app" / "cells" / "board.js", "board", data, words, scheme)


def path(trace: Trace, *, token: int | None = None, scheme: Scheme = "light") -> Html:
    """The path of the text through the model, as on the page Overview.

    Seen from `token`: the last one, unless given. Raises ValueError for a token that there is not,
    and where the model computes what is not a number.
    """
    position = _position(len(trace.ids), token)
    way = journey(trace, trace)
    if not is_drawable(way, trace, position):
        raise ValueError("not all that this model computes is a number; its weights are broken")
    data = {
        "size": "large",
        "stages": path_stages(trace.config, len(trace.ids)),
        **path_numbers(trace.config, trace.tokens, way, position),
        "top": candidates(likeliest_tokens(trace, trace, position)),
        "came": None,
        "canAppend": False,
        "open": None,
    }
    words = f"{stream_in_words(trace.config)} · {_sizes((*way.stream.shape,))} norms"
    return picture(FOLDER / "app" / "path" / "picture.js", "path", data, words, scheme)


def sampling(
    trace: Trace,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    min_p: float = 0.0,
    typical_p: float = 1.0,
    no_repeat_ngram_size: int = 0,
    n: int = 10,
) -> Html:
    """The n likeliest next tokens, and what each rule of sampling makes of them, as a table.

    The settings are those of `LanguageModel.generate`. Raises ValueError for one that means
    nothing.
    """
    settings = SamplingSettings(
        *(temperature, top_k, top_p, repetition_penalty, min_p, typical_p, no_repeat_ngram_size)
    )
    if n < 1:
        raise ValueError(f"n is {n}; at least 1 token must be shown")
    logits = trace.logits[-1].cpu()
    found = stages(logits, trace.ids, settings)
    rows = token_table(trace.tokenizer, logits, found, n)
    shown = stage_titles(settings)
    cells = [
        [
            chip(row["token"], f"id {row['id']}"),
            *(_probability(float(row[stage]), title) for stage, title in shown.items()),
        ]
        for row in rows.to_dict("records")
    ]
    words = f"the {len(cells)} likeliest of {len(logits):,} next tokens"
    settled = [
        f"temperature {temperature:g}",
        f"top-k {top_k or 'off'}",
        f"top-p {'off' if top_p == 1 else f'{top_p:g}'}",
        f"repetition penalty {'off' if repetition_penalty == 1 else f'{repetition_penalty:g}'}",
        *(f"{title} {value:g}" for title, value in more_rules(settings).items()),
    ]
    below = table(["token", *shown.values()], cells)
    return Html(described(words[:1].upper() + words[1:], settled, below), words)


def _place(
    trace: Trace, layer: int | None, head: int | None, token: int | None
) -> tuple[int, int, int]:
    """A layer, a head and a token, each as given or else chosen."""
    trace.config.require_attention()
    n_layer, n_head = trace.config.n_layer, trace.config.n_head
    for name, number, count in (("layer", layer, n_layer), ("head", head, n_head)):
        if number is not None and not 0 <= number < count:
            raise ValueError(f"{name} is {number}; this model has {count}, counted from 0")
    position = _position(len(trace.ids), token)
    if layer is not None and head is not None:
        return layer, head, position
    best = opening_head(trace, layer, head)
    return (best.layer, best.head, position) if best else (layer or 0, head or 0, position)


def _position(T: int, token: int | None) -> int:
    if token is not None and not 0 <= token < T:
        raise ValueError(f"token is {token}; this text has {T}, counted from 0")
    return T - 1 if token is None else token


def _sizes(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{size:,}" for size in shape)


def _probability(share: float, stage: str) -> str:
    """One cell: a probability with a bar behind it, a dash where nothing is left."""
    if not share:
        return f'<span title="{stage}: removed">–</span>'
    bar = f"linear-gradient(to right, #6cc1c466 {100 * share:.1f}%, transparent 0)"
    return f'<span style="background:{bar}" title="{stage}: {share:.6f}">{share:.2%}</span>'
