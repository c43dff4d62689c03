import numpy as np
import pytest

from gptviz.app.theme import PALETTES
from gptviz.subjects.embeddings import figures
from gptviz.subjects.embeddings.map_figures import label_places, token_map

SCHEMES = sorted(PALETTES)


def a_map(n: int, n_axes: int, n_prompt: int, scheme: str = "light", **more):
    points = np.random.default_rng(0).normal(size=(n, n_axes))
    given = {
        "tokens": [f"t{i}" for i in range(n)],
        "hover": [f"h{i}" for i in range(n)],
        "faint": [False] * n,
        "axes": ["axis 1", "axis 2", "axis 3"][:n_axes],
        **more,
    }
    return token_map(points=points, n_prompt=n_prompt, scheme=scheme, **given)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_picture_of_cosines_has_one_scale_from_minus_1_to_1(scheme):
    square = np.eye(3)
    heatmaps = [
        figures.similarity_heatmap(square, ["a", "b", "c"], scheme).data[0],
        *figures.position_heatmaps(square, square, [0, 1, 2], scheme).data,
    ]
    for heatmap in heatmaps:
        assert (heatmap.zmin, heatmap.zmax) == (-1, 1)
        assert heatmap.z.dtype == np.float32
        assert heatmap.colorscale[3] == (0.5, PALETTES[scheme].background)
    bars = figures.cosine_bars(["a"], np.array([0.5]), ["a"], [False], scheme)
    lines = figures.drift_lines(["wte"], {"one": np.array([1.0])}, scheme)
    for axis in (bars.layout.xaxis, lines.layout.yaxis):
        assert axis.range[0] <= -1
        assert axis.range[1] >= 1


def test_equal_tokens_stay_apart_in_the_similarity_heatmap():
    figure = figures.similarity_heatmap(np.eye(2), ["·be", "·be"], "light")
    assert list(figure.data[0].x) == ["0 ·be", "1 ·be"]


def test_the_chosen_token_is_outlined_in_its_row_and_column():
    shapes = figures.similarity_heatmap(np.eye(4), list("abcd"), "light", chosen=2).layout.shapes
    assert [(s.x0, s.x1, s.y0, s.y1) for s in shapes] == [
        (-0.5, 3.5, 1.5, 2.5),
        (1.5, 2.5, -0.5, 3.5),
    ]


@pytest.mark.parametrize(("T", "named"), [(1, 1), (64, 64), (65, 33), (256, 64)])
def test_up_to_64_tokens_are_named_and_beyond_that_the_axis_says_what_it_leaves_out(T, named):
    figure = figures.similarity_heatmap(np.eye(T), ["·a"] * T, "light")
    assert len(figure.layout.xaxis.ticktext) == named
    assert ("names 1 of every" in (figure.layout.xaxis.title.text or "")) == (T > 64)


@pytest.mark.parametrize("T", [1, 8, 16, 17, 27, 32, 33, 64])
def test_no_row_is_lower_than_its_label(T):
    tokens = ["·counterrevolutionaries"] * T
    layout = figures.similarity_heatmap(np.eye(T), tokens, "light").layout
    size = layout.xaxis.tickfont.size
    longest = max(map(len, layout.xaxis.ticktext))
    above = 0.6 * size * longest if layout.xaxis.tickangle == -90 else 1.2 * size
    assert (layout.height - layout.margin.t - layout.margin.b - above) / T > size


def test_cells_show_their_number_while_there_is_room():
    few, many = (figures.similarity_heatmap(np.eye(T), ["a"] * T, "light") for T in (16, 17))
    assert "z" in few.data[0].texttemplate
    assert not many.data[0].texttemplate


def test_a_picture_refuses_labels_that_do_not_match_its_numbers():
    with pytest.raises(ValueError, match="2 labels came for 3 rows and columns"):
        figures.similarity_heatmap(np.eye(3), ["a", "b"], "light")
    with pytest.raises(ValueError, match="1 labels came for 2 bars"):
        figures.cosine_bars(["a"], np.zeros(2), ["a", "b"], [False] * 2, "light")
    with pytest.raises(ValueError, match="2 labels came for 3 rows and columns"):
        figures.position_heatmaps(np.eye(3), np.eye(3), [0, 1], "light")
    with pytest.raises(ValueError, match="1 labels came for 2 stages"):
        figures.drift_lines(["wte"], {"one": np.zeros(2)}, "light")
    with pytest.raises(ValueError, match="4 labels came for 5 points"):
        a_map(5, 2, 1, tokens=["a"] * 4)
    with pytest.raises(ValueError, match="1 labels came for 3 axes"):
        a_map(5, 3, 1, axes=["one"])


def test_what_a_token_holds_is_never_read_as_html():
    nasty = "<b>x</b>"
    bars = figures.cosine_bars([nasty], np.array([0.1]), [nasty], [False], "light")
    drawn = a_map(5, 2, 5, tokens=[nasty] * 5, hover=[nasty] * 5)
    for figure in (bars, drawn, figures.similarity_heatmap(np.eye(1), [nasty], "light")):
        assert "<b>" not in figure.to_json().replace("\\u003c", "<")


def test_hardly_seen_tokens_are_hatched_or_hollow():
    bars = figures.cosine_bars(["a", "b"], np.zeros(2), ["a", "b"], [False, True], "light")
    assert list(bars.data[0].marker.pattern.shape) == ["", "/"]
    drawn = a_map(5, 2, 2, faint=[True, False, False, False, True])
    symbols = {trace.name: list(trace.marker.symbol) for trace in drawn.data}
    assert symbols["tokens of your text"] == ["circle-open", "circle"]
    assert symbols["backdrop"] == ["circle", "circle", "circle-open"]


@pytest.mark.parametrize("n_axes", [2, 3])
def test_the_prompts_tokens_are_named_on_the_map_and_all_say_who_they_are(n_axes):
    figure = a_map(90, n_axes, 70)
    prompt = next(trace for trace in figure.data if trace.name == "tokens of your text")
    assert sum(map(bool, prompt.text)) >= (30 if n_axes == 2 else 64), "most, or all that may be"
    assert [len(trace.customdata) for trace in figure.data] == [20, 70]
    kinds = {type(trace).__name__ for trace in figure.data}
    assert kinds == {"Scatter" if n_axes == 2 else "Scatter3d"}


def test_a_map_without_a_backdrop_has_no_empty_trace():
    assert [trace.name for trace in a_map(3, 2, 3).data] == ["tokens of your text"]


def test_labels_that_have_no_room_are_left_out_the_prompt_s_last():
    crowded = np.zeros((30, 2))
    crowded[-1] = 1
    places, _ = label_places(crowded, ["token"] * 30, n_prompt=2)
    assert all(places[:2])
    assert not all(places[2:29])
    assert places[-1]


def test_the_frame_of_a_map_holds_every_label():
    points = np.array([[0.0, 0.0], [1.0, 0.1], [0.2, 0.7]])
    tokens = ["Antidisestablishment", "·internationalization", "·king"]
    places, frame = label_places(points, tokens, n_prompt=3)
    pixel = (frame[1, 0] - frame[0, 0]) / 600
    for point, token, place in zip(points, tokens, places, strict=True):
        wide = 0.6 * 16 * len(token) * pixel
        left, right = {"left": (wide, 0), "right": (0, wide), "center": (wide / 2, wide / 2)}[
            place.split()[1]
        ]
        assert frame[0, 0] <= point[0] - left
        assert point[0] + right <= frame[1, 0]
    drawn = a_map(3, 2, 3, tokens=tokens)
    assert drawn.layout.xaxis.range is not None


def test_the_lines_of_drift_differ_in_dash_and_marker_not_in_colour_alone():
    lines = {name: np.zeros(2) for name in "abcd"}
    drawn = figures.drift_lines(["wte", "embed"], lines, "dark").data
    assert len({line.line.dash for line in drawn}) == 4
    assert len({line.marker.symbol for line in drawn}) == 4
