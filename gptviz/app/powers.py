"""Powers as people write them."""

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def raised(power: int) -> str:
    """A whole number in small raised signs: ⁻³ of −3."""
    return str(power).translate(_RAISED)


def large(value: float) -> str:
    """A large number with two digits and a power of ten: 3.9 · 10¹⁰."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits} · 10{raised(int(power))}"
