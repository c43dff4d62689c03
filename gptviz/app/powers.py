"""Numbers of any size as people write them."""

import numpy as np

LEAST = 1e-6  # that is written without a power
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def raised(power: int) -> str:
    """A whole number in small raised signs: ⁻³ of −3."""
    return str(power).translate(_RAISED)


def large(value: float) -> str:
    """A large number with two digits and a power of ten: 3.9 · 10¹⁰."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits} · 10{raised(int(power))}"


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals, 1,234.50; with two digits if those would make it 0.

    Then it is 0.000042, or from there on 4.2 · 10⁻⁷: what is not 0 never reads as 0.
    """
    text = f"{value + 0.0:,.{decimals}f}"  # no −0
    if value and not text.strip("-0."):
        is_short = abs(value) >= LEAST
        digits = np.format_float_positional(value, 2, fractional=False, trim="-")
        text = digits if is_short else large(value)
    return text.replace("-", "−")
