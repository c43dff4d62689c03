"""The picture of patching: what each patch restores, by layer and position or head."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gptviz.app.layer_map import layer_map
from gptviz.app.theme import MONO, Scheme


def restored(
    values: np.ndarray,
    columns: Sequence[str],
    scheme: Scheme,
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """Shares restored, (n_layer, T) or (n_layer, H), on a fixed scale from −1 to 1.

    0 is the corrupted run, 1 the clean one. columns are unequal labels.
    """
    font = {"family": MONO} if len(columns) and columns[0][:1].isdigit() else {}
    return layer_map(
        values,
        columns,
        scheme,
        limit=1.0,
        hover="restored",
        axis={"tickfont": font, "tickangle": -60} if font else None,
        chosen=chosen,
    )
