import re
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from gptviz.app import theme
from gptviz.app.lines import look
from gptviz.app.style import page_style

SCHEMES = sorted(theme.PALETTES)
# What people without one kind of cone see (Machado, Oliveira and Fernandes, 2009), linear RGB.
SEEN_BY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def linear(colour: str) -> np.ndarray:
    channels = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(first: str, second: str) -> float:
    """As the Web Content Accessibility Guidelines define it: 1 to 21."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which equal distances look about equally large."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear_rgb.clip(0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def mixed(colour: str, background: str, share: float) -> str:
    pair = (
        np.frombuffer(bytes.fromhex(c[1:]), np.uint8).astype(float) for c in (colour, background)
    )
    front, behind = pair
    return "#" + (share * front + (1 - share) * behind).round().astype(np.uint8).tobytes().hex()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_zero_is_the_background_on_both_scales(scheme):
    colours = theme.PALETTES[scheme]
    assert colours.sequential[0] == colours.background
    assert colours.diverging[len(colours.diverging) // 2] == colours.background
    assert theme.amounts(scheme)["colorscale"][0] == (0.0, colours.background)
    assert (0.5, colours.background) in theme.signed(scheme, 3.0)["colorscale"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_lightness_alone_orders_amounts_in_steps_of_one_size(scheme):
    lightness = [116 * luminance(c) ** (1 / 3) - 16 for c in theme.PALETTES[scheme].sequential]
    steps = np.diff(lightness)
    assert abs(np.sign(steps).sum()) == len(steps)
    assert abs(steps).min() > 10


@pytest.mark.parametrize("scheme", SCHEMES)
def test_signed_values_of_one_size_are_equally_strong(scheme):
    levels = [luminance(colour) for colour in theme.PALETTES[scheme].diverging]
    middle = len(levels) // 2
    assert levels[:middle] == pytest.approx(levels[: -middle - 1 : -1], abs=0.03)
    outwards = [abs(level - levels[middle]) for level in levels[middle:]]
    assert all(near < far for near, far in pairwise(outwards))


@pytest.mark.parametrize("kind", SEEN_BY)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_colour_blind_readers_can_tell_plus_from_minus(scheme, kind):
    colours = theme.PALETTES[scheme].diverging
    for minus, plus in zip(colours[:3], colours[:-4:-1], strict=True):
        seen_minus, seen_plus = (np.array(SEEN_BY[kind]) @ linear(c) for c in (minus, plus))
        assert abs(seen_minus - seen_plus).max() > 0.08


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_is_readable_on_the_page_and_on_every_chip(scheme):
    colours = theme.PALETTES[scheme]
    for behind in (colours.background, *colours.chips):
        assert contrast(colours.text, behind) >= 7
    assert contrast(colours.accent, colours.background) >= 4.5
    assert contrast(colours.muted, colours.background) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_marks_stand_out_from_the_page_and_their_names_can_be_read(scheme):
    colours = theme.PALETTES[scheme]
    assert contrast(colours.mark, colours.background) >= 3
    for named in (colours.accent, colours.attn, colours.mlp):
        assert contrast(named, colours.background) >= 4.5
    # Streamlit writes a pressed button in the accent colour, on a tenth of it.
    tinted = mixed(colours.accent, colours.background, 0.1)
    assert contrast(colours.accent, tinted) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_line_of_a_chart_stands_out_from_the_page(scheme):
    for i in range(12):
        assert contrast(look(i, scheme)["color"], theme.PALETTES[scheme].background) >= 3


@pytest.mark.parametrize("kind", ["everybody", *SEEN_BY])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_chosen_token_attention_and_the_mlp_are_three_colours_for_everybody(scheme, kind):
    colours = theme.PALETTES[scheme]
    seen = [
        lab(SEEN_BY.get(kind, np.eye(3)) @ linear(c))
        for c in (colours.accent, colours.attn, colours.mlp)
    ]
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 20


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pictures_of_the_browser_see_the_colours_of_the_page(scheme):
    rules = page_style(scheme)
    for name in ("attn", "mlp", "mark", "muted"):
        assert f"--gptviz-{name}: {getattr(theme.PALETTES[scheme], name)};" in rules


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_colour_table_runs_from_the_background_to_the_strongest_colour(scheme):
    table = theme.colour_table(scheme)
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    ends = ["#" + bytes(table[i]).hex() for i in (0, -1)]
    colours = theme.PALETTES[scheme]
    assert ends == [colours.background, colours.sequential[-1]]


def test_probabilities_always_run_from_0_to_1():
    scale = theme.amounts("light")
    assert (scale["zmin"], scale["zmax"]) == (0, 1)


def test_limits_of_a_signed_scale_are_symmetric():
    scale = theme.signed("light", theme.symmetric_limit(np.array([-3.0, 2.0, np.nan, -np.inf])))
    assert (scale["zmin"], scale["zmax"]) == (-3, 3)


@pytest.mark.parametrize("values", [[], [0.0], [np.nan]])
def test_a_limit_exists_even_where_nothing_differs_from_zero(values):
    assert theme.symmetric_limit(np.array(values)) == 1


@pytest.mark.parametrize("worthless", [0.0, -1.0, float("nan")])
def test_a_signed_scale_without_extent_is_refused(worthless):
    with pytest.raises(ValueError, match="above 0"):
        theme.signed("light", worthless)


def test_equal_pieces_have_unequal_labels_with_their_position_in_front():
    assert theme.token_ticks(["·love", "·love"]).labels == ["0 ·love", "1 ·love"]


def test_a_piece_that_looks_like_markup_stays_text():
    ticks = theme.token_ticks(["<b>", "&amp;"])
    assert ticks.labels == ["0 &lt;b&gt;", "1 &amp;amp;"]
    assert ticks.axis["ticktext"] == ticks.labels


def test_up_to_64_tokens_an_axis_names_each_one():
    ticks = theme.token_ticks(["a"] * 64)
    assert ticks.axis["tickvals"] == ticks.labels
    assert ticks.note == ""


def test_beyond_64_tokens_an_axis_thins_out_and_says_so():
    ticks = theme.token_ticks(["a"] * 130)
    assert ticks.axis["tickvals"] == ticks.labels[::3]
    assert ticks.note == "the axis names 1 of every 3 tokens"


def test_a_long_piece_is_cut_on_the_axis_and_whole_on_hover():
    ticks = theme.token_ticks(["=" * 30])
    assert ticks.axis["ticktext"] == ["0 " + "=" * 13 + "…"]
    assert ticks.labels == ["0 " + "=" * 30]


def test_labels_that_do_not_match_the_data_are_refused():
    with pytest.raises(ValueError, match="2 labels came for 3 tokens"):
        theme.check_labels(["a", "b"], 3, "tokens")


def test_text_is_at_least_16_pixels_and_lines_2():
    template = go.Layout(theme.layout("dark")).template
    assert template.layout.font.size >= 16
    assert template.layout.hoverlabel.font.size >= 16
    assert template.data.scatter[0].line.width >= 2
    assert template.layout.paper_bgcolor == theme.PALETTES["dark"].background


@pytest.mark.parametrize("scale", ["sequential", "diverging"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_number_is_readable_on_every_place_of_a_scale(scheme, scale):
    table = theme.colour_table(scheme, scale)
    values = np.linspace(0, 1, 256)
    for value, colour in zip(values, theme.ink(scheme, values, scale), strict=True):
        behind = "#" + bytes(table[round(value * 255)]).hex()
        assert contrast(colour, behind) >= 4.5
    assert theme.ink(scheme, np.array([np.nan]))[0] == theme.ink(scheme, np.zeros(1))[0]


def test_no_picture_of_the_browser_has_colours_of_its_own():
    sheets = list(Path(theme.__file__).parents[1].glob("[as]*/**/*.css"))
    assert sheets
    for sheet in sheets:
        found = re.findall(
            r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\(", sheet.read_text(encoding="utf-8")
        )
        assert not found, f"{sheet.name}: {found}; who is colour-blind may not tell them apart"
