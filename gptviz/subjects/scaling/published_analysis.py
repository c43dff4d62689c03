"""What others found at large sizes, and how much smaller these runs are."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from gptviz.subjects.scaling.analysis import SIZES
from gptviz.subjects.scaling.law_analysis import Law, PowerLaw, between

Axis = Literal["size", "compute"]


@dataclass(frozen=True)
class Published:
    """An exponent of a paper, where its law has a floor that too, in nats of its own tokens."""

    source: str
    exponent: float
    floor: float = 0.0
    is_printed: bool = True  # or it follows from what is

    @property
    def words(self) -> str:
        """Whose exponent comes next, in a sentence."""
        return f"{self.source} found" if self.is_printed else f"The law of {self.source} gives"


# Kaplan et al., 2020, Scaling Laws for Neural Language Models, equations 1.1 and 1.3: N without
# embeddings, and compute at the size and batch that make the most of it.
# Hoffmann et al., 2022, Training Compute-Optimal Large Language Models, equation 10: L is
# 1.69 + 406.4 ÷ N^0.34 + 410.7 ÷ D^0.28 with all N parameters and D tokens.
N_EXPONENT, D_EXPONENT, FLOOR = 0.34, 0.28, 1.69
# At the best N and D for a compute of 6 N D both parts fall alike: their section 3.3.
C_EXPONENT = N_EXPONENT * D_EXPONENT / (N_EXPONENT + D_EXPONENT)
KAPLAN, HOFFMANN = "Kaplan et al. (2020)", "Hoffmann et al. (2022)"
PUBLISHED: dict[tuple[Axis, Law], Published] = {
    ("size", "line"): Published(KAPLAN, 0.076),
    ("size", "floor"): Published(HOFFMANN, N_EXPONENT, FLOOR),
    ("compute", "line"): Published(KAPLAN, 0.050),
    ("compute", "floor"): Published(HOFFMANN, C_EXPONENT, FLOOR, is_printed=False),
}
# Smallest and largest N, fewest and most tokens: Kaplan et al. in section 3, Hoffmann et al. in
# their abstract.
RANGES = {
    KAPLAN: (768, 1_500_000_000, 22_000_000, 23_000_000_000),
    HOFFMANN: (70_000_000, 16_000_000_000, 5_000_000_000, 500_000_000_000),
}
HERE = "these runs"


def exponents(law: PowerLaw, laws: np.ndarray, axis: Axis) -> pd.DataFrame:
    """The exponent of these runs beside the published ones: whose, exponent, floor.

    The low and the high end hold 95 of 100 of the laws of `law_analysis.draws` between them.
    """
    rows = [(HERE, law.exponent, law.floor)]
    if len(laws):
        found = zip(between(laws[:, 2]), between(laws[:, 0]), strict=True)
        ends = zip(("low end", "high end"), found, strict=True)
        rows += [(f"{HERE}, {end}", *numbers) for end, numbers in ends]
    rows += [
        (one.source, one.exponent, one.floor) for (of, _), one in PUBLISHED.items() if of == axis
    ]
    return pd.DataFrame(rows, columns=["whose", "exponent", "floor"])


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """How large the models are, and how much they read, here (from `analysis.courses`) and there.

    Columns: whose, smallest model, largest model, fewest tokens, most tokens. Those of Hoffmann et
    al. are all parameters, the others those without embeddings.
    """
    sizes, tokens = table[SIZES["without"]], table.groupby("model")["tokens"].max()
    here = (HERE, *map(int, (sizes.min(), sizes.max(), tokens.min(), tokens.max())))
    rows = [here, *((whose, *numbers) for whose, numbers in RANGES.items())]
    columns = ["whose", "smallest model", "largest model", "fewest tokens", "most tokens"]
    return pd.DataFrame(rows, columns=columns)
