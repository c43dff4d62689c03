"""GPT-2's spelling of bytes: one printable character a byte, so that a vocabulary is a text file.

A byte that prints in Latin-1 is written as itself, the 68 others as the characters from U+0100
on: the space as Ġ, the newline as Ċ (Radford et al., 2019, in the released `encoder.py`).
"""

from gptviz.quoting import quoted

_PRINTABLE = [byte for byte in range(256) if chr(byte).isprintable() and byte != ord(" ")]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]

CHARACTER_OF = {byte: chr(byte) for byte in _PRINTABLE} | {
    byte: chr(0x100 + i) for i, byte in enumerate(_OTHERS)
}
BYTE_OF = {character: byte for byte, character in CHARACTER_OF.items()}

# str.translate and Latin-1, whose characters are numbered as bytes are, read 50,000 tokens in a
# third of the time that a look-up of each character takes. U+0100 stands for "no byte".
_LATIN_1 = dict.fromkeys(_OTHERS, 0x100) | {ord(c): byte for c, byte in BYTE_OF.items()}


def spell(data: bytes) -> str:
    """The spelling of bytes: b" love" → "Ġlove"."""
    return "".join(CHARACTER_OF[byte] for byte in data)


def unspell(spelling: str) -> bytes:
    """The bytes that are spelled so: "Ġlove" → b" love".

    Raises ValueError for a character that spells no byte.
    """
    try:
        return spelling.translate(_LATIN_1).encode("latin-1")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{quoted(spelling)} is not in GPT-2's spelling of bytes: "
            f"{quoted(spelling[error.start])} "
            f"spells no byte"
        ) from None
