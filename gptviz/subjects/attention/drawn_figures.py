"""What the pictures that the browser draws are sent: patterns as pixels, as lines, as a square.

`file` is what a saved picture is called.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from gptviz.app.bundle import exact, pack
from gptviz.app.theme import PALETTES, Scheme, check_labels, colour_table
from gptviz.subjects.attention.analysis import shrunk

LOOKS = ("looks most at", "looks at")
LONGEST_SIDE = 64  # pixels: more would be lost at the size of a head
MOST_LINED = 64  # tokens that have room for their lines


def grid(patterns: Tensor, chosen: tuple[int, int], scheme: Scheme, file: str = "") -> bytes:
    """All heads (n_layer, H, T, T) for grid.js: a header, 256 colours, pixels.

    A pixel is one byte, 0 for a weight of 0 and 255 for 1, and not-a-number is 0; the heads lie
    side by side as on the board, (n_layer · T, H · T). Longer texts are `shrunk` to 64.
    """
    small, _ = shrunk(patterns, LONGEST_SIDE)
    n_layer, n_head, T, _ = small.shape
    header = {
        "layers": n_layer,
        "heads": n_head,
        "size": T,
        "chosen": chosen,
        "file": file,
        "alt": f"Attention patterns of {n_layer} layers × {n_head} heads; "
        "arrow keys move, Enter chooses a head",
    }
    pixels = (small.nan_to_num(0.0) * 255).round().transpose(1, 2).numpy().astype(np.uint8)
    return pack(header, colour_table(scheme), pixels)


def square(
    pattern: Tensor,
    tokens: Sequence[str],
    chosen: int,
    scheme: Scheme,
    file: str = "",
    verbs: tuple[str, str] = LOOKS,
) -> bytes:
    """One pattern (T, T) for square.js: a header, 256 colours, and the weights as float32.

    verbs say what a row does with its largest column, and with any other.

    Row t has t + 1 weights, for no token sees those after it. Rows that are not numbers are listed
    as blank, and 0. Raises ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(pattern), "rows")
    header = {
        "tokens": list(tokens),
        "chosen": chosen,
        "file": file,
        "verbs": verbs,
        "accent": PALETTES[scheme].accent,
        "blank": pattern.isnan().any(-1).nonzero().flatten().tolist(),
        "alt": f"Attention pattern of {len(tokens)} tokens: each row is a token that looks, each "
        "column a token looked at; arrow keys move, Enter chooses a row",
    }
    weights = pattern.nan_to_num(0.0).numpy()[np.tri(len(tokens), dtype=bool)]
    return pack(header, colour_table(scheme), weights.astype(np.float32))


def lines(pattern: Tensor, tokens: Sequence[str], chosen: int, file: str = "") -> dict[str, Any]:
    """One pattern (T, T) for lines.js: the tokens that are drawn, and the weights between them.

    Not-a-number draws no line. Raises ValueError unless there is one token for each row.
    """
    check_labels(tokens, len(pattern), "rows")
    drawn = drawn_positions(len(tokens), chosen)
    weights = pattern[drawn][:, drawn].nan_to_num(0.0).numpy()
    return {
        "tokens": [tokens[position] for position in drawn],
        "positions": drawn,
        "chosen": drawn.index(chosen),
        "file": file,
        "weights": [exact(row[: lane + 1]) for lane, row in enumerate(weights)],
        "alt": f"Attention from each of {len(drawn)} tokens to those before it; arrow keys "
        "move from token to token",
    }


def drawn_positions(count: int, chosen: int) -> list[int]:
    """The positions that have lines: all up to 64, else token 0 and the 63 up to the chosen one."""
    last = min(max(chosen, MOST_LINED - 1), count - 1)
    return [0, *range(max(1, last - MOST_LINED + 2), last + 1)]
