"""The words of the field: each is there once, and a page can introduce it."""

import re
from pathlib import Path

import pytest

from gptviz.app.glossary import MARKED, TERMS, introduce, term, without_marks
from gptviz.app.pages import PAGES

ROOT = Path(__file__).parents[2]
EXPECTED = """
Adam; AdamW; attention; batch; batch norm; beam search; BPE; causal mask; checkpoint; context;
cosine; cross-entropy; distinct-n; dropout; embedding; entropy; epoch; float16; GELU; gradient;
head; hook; induction head; key/value cache; KL divergence; layer norm; learning rate; logits;
loss; min-p; MLP; momentum; Muon; nats; no-repeat n-grams; normalised entropy; overfitting;
parameters; pattern; PCA; perplexity; position embedding; power law; previous-token head;
probability; query, key, value; ReLU; repetition penalty; residual stream; seed; SGD; shortcut;
snapshot; softmax; t-SNE; temperature; token; tokenizer; top-k; top-p; total variation distance;
typical sampling; unknown token; UTF-8; validation loss; vanishing gradient; vocabulary; warm-up;
weight tying
"""


def test_the_words_of_the_field_are_there_in_the_order_of_the_alphabet():
    assert list(TERMS) == [" ".join(name.split()) for name in EXPECTED.split(";")]
    assert list(TERMS) == sorted(TERMS, key=str.lower)
    assert len({one.anchor for one in TERMS.values()}) == len(TERMS)


@pytest.mark.parametrize("name", TERMS)
def test_a_word_has_a_sentence_that_can_be_read_at_a_glance(name: str):
    one = TERMS[name]
    assert one.sentence[0].isupper()
    assert one.sentence.endswith(".")
    assert len(one.sentence) <= 170
    assert '"' not in one.sentence, "it would end the title of the link"
    assert one.precise.endswith(".")


@pytest.mark.parametrize("name", TERMS)
def test_a_word_is_seen_where_the_glossary_says(name: str):
    assert TERMS[name].seen
    for place in TERMS[name].seen:
        page, _, choice = place.partition("?")
        text = (ROOT / PAGES[page].file).read_text(encoding="utf-8")
        if choice:
            key, _, tab = choice.partition("=")
            assert key in ("tab", "runs_tab")
            assert f'"{tab}": Tab(' in text


def test_a_marked_word_is_a_link_with_its_sentence():
    found = term("residual stream", "stream")
    sentence = TERMS["residual stream"].sentence
    assert found == f'[stream](glossary#residual-stream "{sentence}")'
    assert MARKED.fullmatch(found)
    assert without_marks(f"the {found} and the {term('MLP')}") == "the stream and the MLP"


def test_a_word_that_is_not_in_the_glossary_is_refused():
    with pytest.raises(ValueError, match=r"'flux' is not in the glossary"):
        term("flux")
    with pytest.raises(ValueError, match=r"'flux' is not in the glossary"):
        introduce("the flux", "flux")


def test_a_sentence_introduces_its_words_once_and_nothing_in_code_or_in_another_mark():
    told = f"`heads`, {term('pattern', 'the head')}: **Heads**, 2 nats, heads, head-on"
    found = introduce(told, "head", "nats", "seed")
    marked = f"**{term('head', 'Heads')}**, 2 {term('nats')}, heads, head-on"
    assert found == f"`heads`, {term('pattern', 'the head')}: {marked}"
    assert without_marks(found) == "`heads`, the head: **Heads**, 2 nats, heads, head-on"


def test_no_page_introduces_a_word_that_is_missing():
    for path in [ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("gptviz/**/*.py")]:
        for name in re.findall(r"\bterm\(\s*['\"]([^'\"]+)", path.read_text(encoding="utf-8")):
            assert name in TERMS, f"{path.name}: {name}"
