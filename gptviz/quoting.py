"""How messages quote what somebody typed or a file holds: never more than a line of it."""

LONGEST = 60  # characters


def cut(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many characters; … stands for the rest."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def quoted(value: object, longest: int = LONGEST) -> str:
    """A value as Python writes it, a text between its marks; of a long one only the beginning."""
    if isinstance(value, str):
        return repr(cut(value, longest))
    if isinstance(value, int) and value.bit_length() > 8 * longest:
        return cut(hex(value), longest)  # Python refuses to write so many digits
    return cut(repr(value), longest)
