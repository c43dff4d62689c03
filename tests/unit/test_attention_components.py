import json
import struct

import numpy as np
import pytest
import torch

from gptviz.figures.theme import colour_table
from gptviz.ui.components.attention_grid import packed
from gptviz.ui.components.attention_lines import drawn_positions


def unpacked(buffer: bytes) -> tuple[dict, np.ndarray, np.ndarray]:
    (length,) = struct.unpack_from("<I", buffer)
    header = json.loads(buffer[4 : 4 + length])
    rest = np.frombuffer(buffer, np.uint8, offset=4 + length)
    board = (header["layers"] * header["size"], header["heads"] * header["size"])
    return header, rest[:768].reshape(256, 3), rest[768:].reshape(board)


def test_each_head_lies_at_its_layer_and_column_of_the_board():
    patterns = torch.rand(3, 2, 4, 4)
    header, _, pixels = unpacked(packed(patterns, list("abcd"), (2, 1), "light"))
    assert (header["layers"], header["heads"], header["size"]) == (3, 2, 4)
    assert header["tokens"] == list("abcd")
    assert header["chosen"] == [2, 1]
    sent = pixels[8:12, 4:8] / 255
    assert np.abs(sent - patterns[2, 1].numpy()).max() <= 0.5 / 255 + 1e-6


def test_a_weight_of_0_and_a_blank_have_the_colour_of_the_page_and_1_the_strongest():
    patterns = torch.tensor([[[[float("nan"), 0.0], [0.0, 1.0]]]])
    _, colours, pixels = unpacked(packed(patterns, [], (0, 0), "dark"))
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
