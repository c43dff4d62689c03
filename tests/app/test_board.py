"""The board of cells: what is sent to the browser, and colours that can be read."""

import json
from typing import Any

import numpy as np
import pytest

from gptviz.app.cells import board
from gptviz.app.cells.board import Colours, Labels
from gptviz.app.theme import PALETTES

SIGNED = Colours(-2, 2, "−2", "+2", "diverging")
LABELS = Labels(["L0", "L1"], ["0 a", "1 ·b", "2 c"], "{row} {column} {text} {value}", "alt")


@pytest.mark.parametrize("scheme", PALETTES)
def test_a_shade_comes_with_the_ink_that_suits_it(scheme):
    ends = board.shades(np.array([0.0, 1.0]), Colours(0, 1, "", ""), scheme)
    inks = ("#000000", "#ffffff") if scheme == "light" else ("#ffffff", "#000000")
    shown = (PALETTES[scheme].background, PALETTES[scheme].sequential[-1])
    assert ends == list(zip(shown, inks, strict=True))


def test_zero_is_the_page_and_what_lies_beyond_the_scale_has_its_last_colour():
    shown = board.shades(np.array([0.0, 9.0, -9.0, np.nan]), SIGNED, "light")
    colours = PALETTES["light"].diverging
    assert min(bytes.fromhex(shown[0][0][1:])) > 250, "the page's white, or next to it"
    assert [shade for shade, _ in shown[1:]] == [colours[-1], colours[0], colours[0]]


def test_the_browser_gets_each_value_its_place_on_the_scale_and_256_colours(
    monkeypatch: pytest.MonkeyPatch,
):
    sent: list[bytes] = []

    def send(data: bytes, **_: Any) -> None:
        sent.append(data)

    monkeypatch.setattr(board, "COMPONENT", send)
    values = np.array([[0, 1, 2], [-2, np.nan, 9]])
    board.cell_board(
        values, (), LABELS, SIGNED, "light", key="k", chosen=(1, 2), choose=lambda *_: None
    )
    length = int.from_bytes(sent[0][:4], "little")
    header, body = json.loads(sent[0][4 : 4 + length]), sent[0][4 + length :]
    assert (header["rows"], header["columns"], header["chosen"]) == (
        ["L0", "L1"],
        ["0 a", "1 ·b", "2 c"],
        [1, 2],
    )
    assert header["ends"] == ["−2", "+2"]
    assert np.array_equal(np.frombuffer(body[:24], "<f4"), values.ravel(), equal_nan=True)
    assert len(body) == 24 + 3 * 256 + 256 + 6
    assert list(body[-6:]) == [128, 191, 255, 0, 0, 255]


def test_a_board_without_a_label_for_each_row_is_refused():
    with pytest.raises(ValueError, match="2 labels came for 3 rows"):
        board.cell_board(
            np.zeros((3, 3)), (), LABELS, SIGNED, "light", key="k", choose=lambda *_: None
        )
