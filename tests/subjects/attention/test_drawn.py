import json
import struct

import numpy as np
import pytest
import torch

from gptviz.app.theme import PALETTES, colour_table
from gptviz.subjects.attention import drawn_figures
from gptviz.subjects.attention.drawn_figures import drawn_positions


def unpacked(buffer: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    (length,) = struct.unpack_from("<I", buffer)
    header = json.loads(buffer[4 : 4 + length])
    rest = np.frombuffer(buffer, np.uint8, offset=4 + length)
    board = (header["layers"] * header["size"], header["heads"] * header["size"])
    return header, rest[:768].reshape(256, 3), rest[768:].reshape(board)


def test_each_head_lies_at_its_layer_and_column_of_the_board():
    patterns = torch.rand(3, 2, 4, 4)
    header, _, pixels = unpacked(drawn_figures.grid(patterns, (2, 1), "light"))
    assert (header["layers"], header["heads"], header["size"]) == (3, 2, 4)
    assert header["chosen"] == [2, 1]
    sent = pixels[8:12, 4:8] / 255
    assert np.abs(sent - patterns[2, 1].numpy()).max() <= 0.5 / 255 + 1e-6


def test_a_weight_of_0_and_a_blank_have_the_colour_of_the_page_and_1_the_strongest():
    patterns = torch.tensor([[[[float("nan"), 0.0], [0.0, 1.0]]]])
    _, colours, pixels = unpacked(drawn_figures.grid(patterns, (0, 0), "dark"))
    assert pixels.tolist() == [[0, 0], [0, 255]]
    assert np.array_equal(colours, colour_table("dark"))


def test_up_to_64_tokens_all_lines_are_drawn():
    assert drawn_positions(64, 10) == list(range(64))
    assert drawn_positions(1, 0) == [0]


@pytest.mark.parametrize("chosen", [0, 3, 63, 64, 150, 199])
def test_of_a_long_prompt_64_tokens_are_drawn_with_the_first_and_the_chosen_one(chosen):
    drawn = drawn_positions(200, chosen)
    assert len(drawn) == len(set(drawn)) == 64
    assert drawn == sorted(drawn)
    assert {0, chosen} <= set(drawn)


def sent(buffer: bytes) -> tuple[dict, np.ndarray]:
    """The header of a square and its weights from 0 to 1."""
    (length,) = struct.unpack_from("<I", buffer)
    header = json.loads(buffer[4 : 4 + length])
    T = len(header["tokens"])
    weights = np.zeros((T, T), np.float32)
    weights[np.tril_indices(T)] = np.frombuffer(buffer, "<f4", offset=4 + length + 768)
    return header, weights


def test_weights_are_sent_as_they_are_and_rounded_only_where_they_are_shown():
    pattern = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)).tril()
    rows = drawn_figures.lines(pattern, list("abcde"), 3)["weights"]
    for row, shown in zip(pattern.numpy(), rows, strict=True):
        np.testing.assert_array_equal(np.array(shown, np.float32), row[: len(shown)])
    header, weights = sent(drawn_figures.square(pattern, list("abcde"), 3, "dark"))
    assert header["tokens"] == list("abcde")
    assert header["chosen"] == 3
    assert header["accent"] == PALETTES["dark"].accent
    np.testing.assert_array_equal(weights, pattern.numpy())


def test_a_row_that_is_not_a_number_is_sent_as_blank():
    pattern = torch.tensor([[float("nan")] * 2, [0.5, 0.5]])
    header, weights = sent(drawn_figures.square(pattern, ["a", "b"], 0, "light"))
    assert header["blank"] == [0]
    assert weights[0].tolist() == [0, 0]


@pytest.mark.parametrize("draw", [drawn_figures.lines, drawn_figures.square])
def test_tokens_that_do_not_match_the_pattern_are_refused(draw):
    more = ("light",) if draw is drawn_figures.square else ()
    with pytest.raises(ValueError, match="3 labels came for 4 rows"):
        draw(torch.zeros(4, 4), list("abc"), 0, *more)
