"""Numbers of any size as people write them."""

import pytest

from gptviz.app.powers import fixed


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.1324, 4, "0.1324"),
        (1234.5, 2, "1,234.50"),
        (-0.25, 3, "−0.250"),
        (0.0, 4, "0.0000"),
        (-0.0, 2, "0.00"),
        (4.0e-5, 4, "0.00004"),
        (4.03e-5, 4, "0.00004"),
        (4.33e-5, 4, "0.000043"),
        (-0.0004, 3, "−0.0004"),
        (4.2e-7, 3, "4.2 · 10⁻⁷"),
        (-3e-300, 3, "−3.0 · 10⁻³⁰⁰"),
        (0.4, 0, "0.4"),
    ],
)
def test_what_is_not_0_never_reads_as_0(value: float, decimals: int, text: str):
    assert fixed(value, decimals) == text
