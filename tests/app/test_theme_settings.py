"""The theme in .streamlit/config.toml beside the colours of the figures."""

import tomllib
from pathlib import Path

import pytest

from gptviz.app.theme import PALETTES

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())[
    "theme"
]
SMALLEST_TEXT = 0.875  # of the base size: captions and labels


@pytest.mark.parametrize("scheme", PALETTES)
def test_page_and_figures_have_the_same_colours(scheme):
    colours = PALETTES[scheme]
    assert THEME[scheme]["backgroundColor"] == colours.background
    assert THEME[scheme]["textColor"] == colours.text
    assert THEME[scheme]["primaryColor"] == colours.accent


def test_even_captions_have_sixteen_pixels():
    assert THEME["baseFontSize"] * SMALLEST_TEXT >= 16


def test_no_font_comes_from_elsewhere():
    assert {THEME["font"], THEME["codeFont"]} <= {"sans-serif", "monospace"}
    assert "fontFaces" not in THEME
