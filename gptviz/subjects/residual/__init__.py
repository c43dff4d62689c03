"""The residual stream: what each layer would say, and which part wrote a logit."""

from gptviz.subjects.residual.analysis import (
    Lens,
    cell,
    followed,
    lens,
    lens_table,
    logit_lens,
    stream_names,
    typed_token,
)
from gptviz.subjects.residual.parts_analysis import (
    added,
    attribution,
    head_parts,
    head_table,
    part_table,
)
from gptviz.subjects.residual.surprise_analysis import (
    TextLoss,
    expected,
    surprisal,
    surprise_table,
    text_loss,
)

__all__ = [
    "Lens",
    "TextLoss",
    "added",
    "attribution",
    "cell",
    "expected",
    "followed",
    "head_parts",
    "head_table",
    "lens",
    "lens_table",
    "logit_lens",
    "part_table",
    "stream_names",
    "surprisal",
    "surprise_table",
    "text_loss",
    "typed_token",
]
