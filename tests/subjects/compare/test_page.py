"""The page Compare, entered through the app; and what its presets say of the models on board."""

import shutil
import string

import numpy as np
import pytest
import torch

import gptviz
from gptviz import GPT, GPTConfig, checkpoints
from gptviz.app.run_steps import name_at, run_of
from gptviz.subjects import compare
from gptviz.subjects.compare.controls import TABS
from gptviz.subjects.compare.presets import BY_SLUG, PRESETS
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer

PROMPT, OTHER, LONGER = "the cat sat", "the dog ran", "the dog ran off"


@pytest.fixture
def tiny_root(tmp_path, monkeypatch, tiny_lm, finished_run):
    """Two models of one vocabulary, a third of another and with more layers, and a run."""
    checkpoints.save(tmp_path / "a-tiny", tiny_lm.model, tiny_lm.tokenizer)
    for name, letters, n_layer in (
        ("b-twin", sorted(set(string.printable)), 2),
        ("c-deep", sorted("abcdefghijklmnopqrstuvwxyz ."), 3),
    ):
        tokenizer = CharacterTokenizer(letters)
        config = GPTConfig(tokenizer.vocab_size, 64, n_layer, 2, 8)
        checkpoints.save(tmp_path / name, GPT(config, torch.Generator().manual_seed(1)), tokenizer)
    shutil.copytree(finished_run, tmp_path / "z-run")
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    return tmp_path


def words(app) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption)).replace("\\", "")


def test_the_tabs_have_the_titles_that_a_preset_opens():
    text = (checkpoints.root().parent / "pages" / "compare.py").read_text(encoding="utf-8")
    for slug, title in TABS.items():
        assert f'"{slug}": Tab("{title}"' in text


SHOWN = {
    "next": {"likeliest", "differing"},
    "attention": {"patterns", "head_distances"},
    "lens": {"ways", "likeliest", "differing"},
    "neighbours": {"neighbours"},
}
RIGHTS = {
    "another text": {"other_model": "a-tiny", "other_prompt": OTHER},
    "another model": {},
    "cut alike": {"other_model": "c-deep"},
}


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("tab", SHOWN)
@pytest.mark.parametrize("kind", RIGHTS)
def test_every_tab_is_drawn_and_its_code_makes_its_numbers(
    open_app, assert_codes_make_the_numbers, tab, kind
):
    app = open_app("compare", prompt=PROMPT, tab=tab, word="cat", **RIGHTS[kind])
    assert not app.error
    assert_codes_make_the_numbers(SHOWN[tab])


@pytest.mark.usefixtures("tiny_root")
def test_the_lens_after_every_token(open_app, assert_codes_make_the_numbers):
    app = open_app("compare", prompt=PROMPT, tab="lens", lens_of="all")
    assert not app.error
    assert "Furthest apart is row" in words(app)
    assert_codes_make_the_numbers({"lens_distances", "lens_left", "lens_right"})


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize(
    ("tab", "pictures"),
    [
        ("attention", {"patterns"}),
        ("lens", {"ways", "likeliest", "differing"}),
        ("next", {"likeliest", "differing"}),
    ],
)
@pytest.mark.parametrize("kind", ["length", "vocabulary"])
def test_what_cannot_be_compared_is_told_and_stands_side_by_side(
    open_app, assert_codes_make_the_numbers, tab, pictures, kind
):
    right = {"other_model": "a-tiny" if kind == "length" else "c-deep", "other_prompt": LONGER}
    app = open_app("compare", prompt=PROMPT, tab=tab, layer=1, **right)
    assert not app.error
    told = {
        "length": "The left text has 11 tokens and the right one 15",
        "vocabulary": "different vocabularies, and their texts are cut into different tokens",
    }
    assert told[kind] in words(app)
    if tab == "attention":
        assert "no difference to draw" in words(app)
        assert len(app.get("plotly_chart")) == 2
    assert_codes_make_the_numbers(pictures)


@pytest.mark.usefixtures("tiny_root")
def test_a_layer_that_only_one_model_has_is_shown_only_there(open_app):
    app = open_app("compare", prompt=PROMPT, tab="attention", other_model="c-deep", layer=2, head=1)
    assert not app.error
    assert "The left model has 2 layers of 2 heads, the right one 3 of 2" in words(app)
    assert "Only the right model has **L2 H1**." in words(app)
    assert len(app.get("plotly_chart")) == 1
    app = open_app("compare", prompt=PROMPT, tab="lens", other_model="c-deep", lens_stage="h.2")
    assert not app.error
    assert "Only one of the models has this layer" in words(app)


@pytest.mark.usefixtures("tiny_root")
def test_the_same_on_both_sides_is_told(open_app):
    app = open_app("compare", prompt=PROMPT, other_model="a-tiny")
    assert "Both sides are the same, so every difference is 0" in words(app)
    assert "Both sides expect the same" in words(app)
    for tab in ("attention", "lens", "neighbours"):
        assert not open_app("compare", prompt=PROMPT, other_model="a-tiny", tab=tab).error


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("value", ["", "nowhere", "../a-tiny", "9" * 5000, "a-tiny@step-000001"])
def test_a_model_that_is_not_there_is_passed_over(open_app, value):
    app = open_app("compare", prompt=PROMPT, other_model=value, other_step=value)
    assert not app.error
    assert app.selectbox(key="other_model").value == "b-twin"
    assert "other_model" not in app.query_params


@pytest.mark.usefixtures("tiny_root")
def test_the_right_side_lives_in_the_address(open_app):
    app = open_app("compare", prompt=PROMPT)
    app.selectbox(key="other_model").set_value("z-run").run()
    app.select_slider(key="other_step").set_value("0").run()
    app.text_input(key="other_prompt").set_value("the fool").run()
    kept = {key: app.query_params[key] for key in ("other_model", "other_step")}
    assert kept == {"other_model": "z-run", "other_step": "0"}
    again = open_app("compare", prompt=PROMPT, other_prompt="the fool", **kept)
    assert not again.error
    assert again.select_slider(key="other_step").value == "0"
    assert again.selectbox(key="other_model").value == "z-run"


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("tab", TABS)
def test_a_run_stands_beside_its_own_past(open_app, assert_codes_make_the_numbers, tab):
    app = open_app("compare", model="z-run", prompt="the king", tab=tab)
    assert not app.error
    assert app.selectbox(key="other_model").value == "z-run"
    assert app.select_slider(key="other_step").value == "0"
    assert_codes_make_the_numbers(SHOWN[tab])
    app = open_app("compare", model="z-run", step=0, prompt="the king", tab=tab)
    assert app.select_slider(key="other_step").value == "best"


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize(
    ("text", "told"), [("고양이", "That is the right side"), ("the king" * 40, "only the last 64")]
)
def test_a_text_that_does_not_fit_is_told(open_app, text, told):
    app = open_app("compare", prompt=PROMPT, other_prompt=text)
    found = [part.value for part in (*app.error, *app.caption)]
    assert any(told in part for part in found), found


def test_a_shorter_context_reads_the_end_of_the_same_text_behind_its_special_token(
    open_app, tmp_path, monkeypatch
):
    for name, block_size in (("a-long", 24), ("b-short", 6)):
        model = GPT(GPTConfig(block_size=block_size, n_layer=1, n_head=1, n_embd=4))
        checkpoints.save(tmp_path / name, model, GPT2Tokenizer())
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    text = "The king and the queen and the fool"
    app = open_app("compare", model="a-long", prompt=text, begin="token")
    assert not app.error
    assert "The left text has 9 tokens and the right one 6" in words(app)
    assert any("only the last 6 tokens are read" in caption.value for caption in app.caption)
    read = [50_256, *GPT2Tokenizer().encode(text)[-5:]]
    assert f"other_trace = other.trace({read})" in app.code[0].value


@pytest.mark.usefixtures("tiny_root")
def test_a_word_that_cannot_be_written_is_told(open_app):
    app = open_app("compare", prompt=PROMPT, tab="neighbours", other_model="c-deep", word="고양이")
    assert [error.value for error in app.error if "is not among" in error.value]


def test_a_model_that_computes_no_numbers_is_told(open_app, tmp_path, monkeypatch, save_random):
    save_random(tmp_path / "good")
    save_random(tmp_path / "void", is_void=True)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))
    for tab in ("next", "attention", "lens"):
        app = open_app("compare", model="good", other_model="void", prompt="abc", tab=tab)
        assert any("is a number" in error.value for error in app.error), tab


@pytest.mark.usefixtures("tiny_root")
def test_presets_belong_to_the_models_on_board(open_app):
    assert "preset" not in [pills.key for pills in open_app("compare", prompt=PROMPT).pills]


@pytest.mark.parametrize("slug", BY_SLUG)
def test_a_preset_brings_both_sides_and_says_what_is_found(open_app, slug):
    app = open_app("compare", model="story", prompt="a", other_prompt="b", layer=1)
    app.pills(key="preset").set_value(slug).run()
    assert not app.error
    preset = BY_SLUG[slug]
    assert preset.found in words(app)
    assert app.session_state["prompt"] == preset.prompt
    assert app.session_state["tab"] == preset.tab
    assert not app.exception


def test_what_a_preset_found_is_not_said_of_a_text_behind_a_special_token(open_app):
    found = next(preset.found for preset in PRESETS if preset.title == "Tales and plays")
    assert found in words(open_app("compare", model="tales"))
    assert found not in words(open_app("compare", model="tales", begin="token"))


def sides(preset):
    def named(model, step):
        return model if step is None else name_at(run_of(model), int(step))

    found = []
    for model, step, text in (
        (preset.model, preset.step, preset.prompt),
        (preset.other_model, preset.other_step, preset.other_prompt or preset.prompt),
    ):
        lm = gptviz.load(named(model, step))
        found += [lm, lm.trace(text)]
    return found


def test_every_preset_says_what_its_models_do():
    one, two, three, four, five, six = PRESETS

    found = compare.next_tokens(*sides(one))
    top = found.likeliest.set_index("token")
    assert found.likeliest["left"].idxmax() == found.likeliest["token"].tolist().index("·great")
    assert found.likeliest["right"].idxmax() == found.likeliest["token"].tolist().index("·man")
    assert f"“great” something most, {100 * top.loc['·great', 'left']:.1f}\u00a0%" in one.found
    assert f"“man”, {100 * top.loc['·man', 'right']:.1f}\u00a0%" in one.found
    assert f"{100 * found.total_variation:.0f}\u00a0%" in one.found

    left, trace, right, other = sides(two)
    table = compare.next_tokens(left, trace, right, other).likeliest.set_index("token")
    assert f"“he”, {100 * table.loc['·he', 'left']:.0f}\u00a0%" in two.found
    assert f"“she”, {100 * table.loc['·she', 'right']:.0f}\u00a0%" in two.found
    apart = compare.lens_way(left, trace, right, other, (3, 3))["total_variation"]
    assert f"{100 * apart[:6].max():.1f}\u00a0%" in two.found
    assert f"{100 * apart[6]:.0f}\u00a0%" in two.found

    _, trace, _, other = sides(three)
    here = trace.tokens.index("·time")
    for own in (trace, other):
        weight = own["h.0.attn.pattern"][3][here, here - 1]
        assert f"{weight:.2f} " in three.found.replace(",", " ")
    distances = compare.head_distances(trace, other).numpy()
    assert np.unravel_index(distances.argmax(), distances.shape) == (0, 3)

    _, trace, _, other = sides(four)
    first, second = (i for i, token in enumerate(trace.tokens) if token == "·king")
    for own in (trace, other):
        assert f"{own['h.2.attn.pattern'][3][second, first + 1]:.2f}" in four.found
    distances = compare.head_distances(trace, other).numpy()
    assert np.unravel_index(distances.argmax(), distances.shape) == (2, 3)

    left, trace, right, other = sides(five)
    assert "·opened" in trace.tokens
    assert other.tokens[2:4] == ["·op", "ened"]
    apart = compare.next_tokens(left, trace, right, other).total_variation
    assert f"{100 * apart:.0f}\u00a0%" in five.found

    left, _, right, _ = sides(six)
    table = compare.neighbours(left, right, "queen").table.set_index("token")
    assert table.loc["·princess", "left_rank"] == 2
    assert f"{table.loc['·princess', 'right_rank'] - 1} tokens lie nearer" in six.found
