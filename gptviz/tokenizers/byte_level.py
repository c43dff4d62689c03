"""GPT-2's spelling of bytes: one printable character a byte, so that a vocabulary is a text file.

A byte that prints in Latin-1 is written as itself, the 68 others as the characters from U+0100
on: the space as Ġ, the newline as Ċ (Radford et al., 2019, in the released `encoder.py`).
"""

_PRINTABLE = [byte for byte in range(256) if chr(byte).isprintable() and byte != ord(" ")]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]

CHARACTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(0x100 + i) for i, byte in enumerate(_OTHERS)
}
BYTE_OF = {character: byte for byte, character in CHARACTER_OF.items()}


def unspell(spelling: str) -> bytes:
    """The bytes that are spelled so: "Ġlove" → b" love".

    Raises ValueError for a character that spells no byte.
    """
    try:
        return bytes(BYTE_OF[character] for character in spelling)
    except KeyError as error:
        raise ValueError(
            f"{spelling!r} is not in GPT-2's spelling of bytes: {error.args[0]!r} spells no byte"
        ) from None
