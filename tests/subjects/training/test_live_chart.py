"""What a live chart sends to the browser."""

import json
import struct

import numpy as np
import pytest

from gptviz.subjects.training.live_chart import Panel, Series, Unit, packed

NATS = Unit("nats a token")


def unpacked(message: bytes) -> tuple[dict, np.ndarray]:
    (length,) = struct.unpack_from("<I", message)
    return json.loads(message[4 : 4 + length]), np.frombuffer(message[4 + length :], "<f4")


def line(name: str, *points: tuple[float, float]) -> Series:
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    return Series(name, x, y, "#2d8bb5")


def test_each_line_s_numbers_follow_the_header_in_its_order():
    training = line("training", (1, 4.5), (2, 4.25), (3, 4.0))
    validation = line("validation", (2, 4.75))
    rate = line("rate", (1, 0.5), (2, 1.0))
    panels = [Panel("Loss", [training, validation], [NATS]), Panel("Rate", [rate], [])]
    header, numbers = unpacked(packed(panels))
    told = [(one["name"], one["points"]) for panel in header["panels"] for one in panel["series"]]
    assert told == [("training", 3), ("validation", 1), ("rate", 2)]
    assert numbers.tolist() == [1, 2, 3, 4.5, 4.25, 4.0, 2, 4.75, 1, 2, 0.5, 1.0]


def test_units_limits_and_words_come_along():
    units = [NATS, Unit("bits a byte", [1.44]), Unit("perplexity", exponential=True)]
    panel = Panel("Loss", [line("a", (1, 2))], units, {"clipped above": 1.0}, logarithmic=True)
    header, _ = unpacked(packed([panel], alt="It falls.", waits="Wait."))
    assert (header["alt"], header["waits"]) == ("It falls.", "Wait.")
    (sent,) = header["panels"]
    assert sent["units"][1] == {"name": "bits a byte", "factors": [1.44], "exponential": False}
    assert sent["units"][2]["exponential"]
    assert sent["limits"] == {"clipped above": 1.0}
    assert sent["logarithmic"]


def test_a_chart_of_a_run_that_has_not_begun_is_empty():
    header, numbers = unpacked(packed([Panel("Loss", [line("training")], [NATS])]))
    assert header["panels"][0]["series"][0]["points"] == 0
    assert len(numbers) == 0


def test_a_name_is_sent_to_the_letter():
    name = 'a "run" </script> 안녕'
    header, _ = unpacked(packed([Panel("Loss", [line(name, (1, 2))], [NATS])]))
    assert header["panels"][0]["series"][0]["name"] == name


def test_a_line_needs_a_value_for_each_place():
    broken = Series("training", np.arange(3.0), np.arange(2.0), "black")
    with pytest.raises(ValueError, match="training has 3 places for 2 values"):
        packed([Panel("Loss", [broken], [NATS])])
