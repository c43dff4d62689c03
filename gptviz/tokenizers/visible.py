"""Bytes → one visible piece: what a reader sees in place of a token that may hide.

    space  ·      newline  ⏎      tab  ⇥
    ⟨EC 95⟩       bytes that are only a part of a UTF-8 character
    ⟨U+200B⟩      a character that has no ink of its own: control, zero-width, unassigned …
    ◌́             a combining mark that stands alone, on a dotted circle

The signs that are used here are themselves shown by code point where a text contains them, so
that · always means a space and two different tokens never look the same.
"""

import re
import unicodedata
from functools import lru_cache

_SIGNS = {" ": "·", "\n": "⏎", "\t": "⇥"}
_CARRIER = "◌"
# No ink, though Unicode files them under letters, marks and symbols: joiners, fillers,
# variation selectors, the blank braille pattern, the stand-ins for lost objects and characters.
_INKLESS = {
    *map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0xFFFD)),
    *map(chr, range(0x180B, 0x1810)),
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}
_BY_CODE_POINT = _INKLESS | set(_SIGNS.values()) | {"⟨", _CARRIER}
_BROKEN = re.compile("([\udc80-\udcff]+)")


# The sampling page shows 400 tokens at every redraw, mostly the same ones.
@lru_cache(maxsize=10_000)
def visible(data: bytes) -> str:
    """What to show for a token of these bytes; never empty, and never the sign �."""
    # Python's own way to carry bytes that are no UTF-8 through a str: U+DC80 to U+DCFF.
    text = data.decode("utf-8", "surrogateescape")
    parts = _BROKEN.split(text)  # whole, broken, whole, broken, …
    parts[::2] = map(_visible_characters, parts[::2])
    parts[1::2] = (f"⟨{_hex(part)}⟩" for part in parts[1::2])
    return "".join(parts) or "⟨empty⟩"


def code_point(character: str) -> str:
    """The character's number as Unicode writes it: U+00E9."""
    return f"U+{ord(character):04X}"


def _visible_characters(text: str) -> str:
    shown = []
    has_base = False  # is there a character just before that a combining mark can sit on?
    for character in text:
        if sign := _SIGNS.get(character):
            shown.append(sign)
            has_base = False
        elif character in _BY_CODE_POINT or not character.isprintable():
            shown.append(f"⟨{code_point(character)}⟩")
            has_base = False
        else:
            is_mark = unicodedata.category(character).startswith("M")
            shown.append(_CARRIER + character if is_mark and not has_base else character)
            has_base = True
    return "".join(shown)


def _hex(part: str) -> str:
    return part.encode("utf-8", "surrogateescape").hex(" ").upper()
