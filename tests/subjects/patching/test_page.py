"""The page Patching, entered through the app; and what its presets say of the model on board."""

import pytest
import torch

import gptviz
from gptviz import checkpoints, measures
from gptviz.app.examples import EXAMPLES
from gptviz.subjects.patching import sentences
from gptviz.subjects.patching.analysis import patch
from gptviz.subjects.patching.presets import BY_SLUG, PRESETS
from gptviz.subjects.patching.tabs import OPENING

CLEAN, CORRUPTED = "the cat sat", "the dog ran"


@pytest.fixture
def tiny_root(tmp_path, monkeypatch, tiny_lm):
    checkpoints.save(tmp_path / "tiny", tiny_lm.model, tiny_lm.tokenizer)
    monkeypatch.setenv("GPTVIZ_CHECKPOINTS", str(tmp_path))


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize("place", ["stream", "heads", "attn", "mlp"])
def test_every_map_is_drawn_and_its_code_makes_its_numbers(
    open_app, assert_codes_make_the_numbers, place
):
    app = open_app(
        "patching", prompt=CLEAN, corrupted=CORRUPTED, patched=place, answer=3, other_answer=5
    )
    assert not app.error
    assert_codes_make_the_numbers({"restored"})


@pytest.mark.usefixtures("tiny_root")
def test_texts_of_different_lengths_are_explained(open_app):
    app = open_app("patching", prompt="the cat", corrupted="the cats")
    assert [e.value for e in app.error if "7 tokens, the second one 8" in e.value.replace("\\", "")]
    assert any("cats 5" in text.value for text in app.text)


@pytest.mark.usefixtures("tiny_root")
@pytest.mark.parametrize(
    ("corrupted", "words"),
    [(CLEAN, "Both texts are the same"), ("the 고양이", "second text"), ("", "second text")],
)
def test_what_cannot_be_compared_is_told(open_app, corrupted, words):
    app = open_app("patching", prompt=CLEAN, corrupted=corrupted)
    told = [part.value for part in (*app.info, *app.error)]
    assert any(words in text for text in told), told


def test_whoever_comes_from_the_first_page_finds_two_texts_that_fit_and_a_map(open_app):
    app = open_app("patching")
    assert not app.error
    assert app.get("plotly_chart")
    assert app.session_state["corrupted"] == OPENING
    for name in ("tales", "shakespeare", "story"):
        encode = gptviz.load(name).tokenizer.encode
        assert len(encode(OPENING)) == len(encode(EXAMPLES[0].text))


def test_a_preset_brings_both_texts(open_app):
    app = open_app("patching")
    app.pills(key="preset").set_value("who-was-met").run()
    assert not app.error
    assert app.session_state["corrupted"] == BY_SLUG["who-was-met"].corrupted
    assert [info.value for info in app.info if "restores 79" in info.value]


@pytest.fixture(scope="module")
def tales():
    return gptviz.load("checkpoints/tales")


def heads(lm, slug: str) -> dict[tuple[int, int], int]:
    """What each head restores, in per cent."""
    preset = BY_SLUG[slug]
    a, b = (lm.tokenizer.encode(text)[0] for text in (preset.answer, preset.other_answer))
    found = patch(
        lm, preset.prompt, preset.corrupted, "h.*.attn.z", measures.logit_difference(a, b)
    )
    return {(i, j): round(100 * float(x)) for i, row in enumerate(found) for j, x in enumerate(row)}


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("her-or-him", {(5, 0): 102}),
        ("he-or-she", {(5, 0): 69}),
        ("who-was-met", {(4, 3): 79}),
        ("repeated", {(4, 3): 53, (4, 6): 37}),
    ],
)
def test_a_preset_says_what_patching_finds(tales, slug, said):
    found = heads(tales, slug)
    assert {head: found[head] for head in said} == said
    assert sorted(found, key=found.__getitem__)[-len(said) :][::-1] == list(said)
    for share in said.values():
        assert f"{share}\u00a0%" in BY_SLUG[slug].found


def test_the_model_on_board_has_not_learnt_who_gets_the_apple(tales):
    preset = BY_SLUG["indirect-object"]
    names = [tales.tokenizer.encode(text)[0] for text in (preset.answer, preset.other_answer)]
    for text in (preset.prompt, preset.corrupted):
        p = tales.trace(text, ["logits"]).logits[-1].softmax(-1)
        assert (p[names] < 0.001).all()


def test_every_preset_has_texts_of_one_length(tales):
    for preset in PRESETS:
        assert len(tales.ids(preset.prompt)) == len(tales.ids(preset.corrupted)), preset.slug


def test_sentences_say_what_the_map_says():
    values = torch.tensor([[0.0, 0.9, 0.0], [0.0, 0.5, 0.1], [0.0, 0.1, torch.nan]]).numpy()
    assert sentences.of_positions(values, ["a", "b", "c"]) == (
        "Most is restored at token 1 “b”: 90\u00a0% in **L0**, and at least half of that from L0 "
        "to L1."
    )
    assert "No single place" in sentences.of_positions(values * 0.1, ["a", "b", "c"])
    heads = torch.tensor([[0.0, 0.8], [0.3, 0.0]]).numpy()
    assert sentences.of_heads(heads) == (
        "**L0 H1** alone restores 80\u00a0% of the difference, **L1 H0** 30\u00a0%."
    )
    assert sentences.of_heads(heads - 0.25).endswith("no other head a tenth.")
    assert "shared out" in sentences.of_heads(heads * 0.1)
