"""Text is written one token at a time, as the settings, the seed and the context say."""

import itertools

import pytest
import torch
from transformers import GPT2LMHeadModel

from gptviz import checkpoints
from gptviz.generation import Step, Writer
from gptviz.language_model import LanguageModel
from gptviz.model import GPT, GPTConfig
from gptviz.sampling import SamplingSettings, stages
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, Tokenizer
from gptviz.tokenizers.baselines import raw_bytes

V = 17
CHARACTERS = CharacterTokenizer("abcdefghijklmnop ")


@torch.no_grad()
def language_model(attention="fused", **changes) -> LanguageModel:
    """A random model that is sure enough of itself to make greedy choices clear."""
    shape = {"vocab_size": V, "block_size": 32, "n_layer": 2, "n_head": 2, "n_embd": 8}
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(**{**shape, **changes}), generator, attention)
    for parameter in model.parameters():
        parameter.normal_(std=0.4, generator=generator)
    return LanguageModel(model, CHARACTERS, "tiny", "tiny")


@pytest.mark.parametrize(("prompt", "n", "size"), [(3, 4, 7), (3, 29, 32), (40, 5, 32)])
def test_the_cache_is_as_long_as_the_text_may_get(prompt, n, size, monkeypatch):
    lm = language_model()
    sizes = []
    new_cache = lm.model.new_cache

    def watched(*given, **options):
        cache = new_cache(*given, **options)
        sizes.append(cache[0].keys.size(-2))
        return cache

    monkeypatch.setattr(lm.model, "new_cache", watched)
    assert len(list(lm.generate([1] * prompt, n, seed=0))) == n
    assert set(sizes) == {size}


@torch.no_grad()
def reciter(script: list[int], tokenizer: Tokenizer, vocab_size: int) -> LanguageModel:
    """A model that reads only its position, and after a prompt of one token writes the script."""
    C = len(script) + 1
    config = GPTConfig(vocab_size, C, 1, 1, C, norm="none", tie_weights=False)
    model = GPT(config)
    for parameter in model.parameters():
        parameter.zero_()
    model.wpe.weight.copy_(torch.eye(C))
    for position, token in enumerate(script):
        model.lm_head.weight[token, position] = 1.0
    return LanguageModel(model, tokenizer, "reciter", "reciter")


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    return language_model()


@pytest.fixture(scope="module")
def gpt2() -> GPT2Tokenizer:
    return GPT2Tokenizer()


def ids(steps) -> list[int]:
    return [step.id for step in steps]


def test_greedy_generation_equals_that_of_transformers(lm, tmp_path):
    checkpoints.save(tmp_path, lm.model, CHARACTERS)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    for prompt, penalty in itertools.product(([3], [5, 1, 4], [7] * 10), (1.0, 1.4)):
        expected = theirs.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            max_new_tokens=20,
            repetition_penalty=penalty,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        assert ids(lm.generate(prompt, 20, temperature=0, repetition_penalty=penalty)) == expected


def test_the_same_seed_writes_the_same_text(lm):
    first = list(lm.generate("abc", 25, seed=1))
    again = list(lm.generate("abc", 25, seed=1))
    assert ids(first) == ids(again)
    assert [step.probability for step in first] == [step.probability for step in again]
    assert ids(first) != ids(lm.generate("abc", 25, seed=2))


def test_without_a_seed_each_text_is_another(lm):
    assert ids(lm.generate("abc", 25)) != ids(lm.generate("abc", 25))


def test_no_one_elses_randomness_changes_a_text(lm):
    alone = ids(lm.generate("abc", 25, seed=1))
    state = torch.get_rng_state()
    steps = lm.generate("abc", 25, seed=1)
    others = lm.generate("cba", 25, seed=9)
    mixed = []
    for step, _ in zip(steps, others, strict=True):
        torch.rand(1)
        mixed.append(step.id)
    assert mixed == alone
    torch.set_rng_state(state)
    list(lm.generate("abc", 3, seed=1))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"temperature": 0.5, "top_k": 5},
        {"min_p": 0.1, "typical_p": 0.7, "no_repeat_ngram_size": 2},
        {"top_p": 0.7, "repetition_penalty": 1.3},
        {"temperature": 0},
    ],
)
@pytest.mark.parametrize("attention", ["explicit", "fused"])
def test_each_step_is_drawn_from_the_distribution_that_the_whole_text_gives(how, attention):
    lm = language_model(attention=attention)
    written = lm.ids("abc")
    for step in lm.generate("abc", 20, seed=3, **how):
        logits = lm.model(torch.tensor([written]))[0, -1]  # the whole text anew, without a cache
        expected = stages(logits, written, SamplingSettings(**how))[-1].probabilities
        torch.testing.assert_close(step.probabilities, expected, rtol=1e-4, atol=1e-5)
        assert step.probability == step.probabilities[step.id].item()
        assert step.probability > 0
        assert step.token == CHARACTERS.pieces([step.id])[0]
        written.append(step.id)
    assert len(written) == 23


def test_a_certain_choice_has_probability_1(lm):
    for how in ({"temperature": 0}, {"top_k": 1}, {"top_p": 1e-9}):
        assert {step.probability for step in lm.generate("abc", 5, seed=0, **how)} == {1.0}


def test_all_greedy_settings_write_the_same_text(lm):
    greedy = ids(lm.generate("abc", 20, temperature=0))
    assert ids(lm.generate("abc", 20, top_k=1, seed=5)) == greedy
    assert ids(lm.generate("abc", 20, top_p=1e-9, seed=6)) == greedy


@pytest.mark.parametrize("block_size", [5, 32])
def test_without_a_cache_the_same_text_is_written(block_size):
    lm = language_model(block_size=block_size)
    for prompt in ("abc", "abcdefgh"):
        kept = list(lm.generate(prompt, 30, seed=4))
        anew = list(lm.generate(prompt, 30, seed=4, use_cache=False))
        assert ids(anew) == ids(kept)
        for one, other in zip(kept, anew, strict=True):
            torch.testing.assert_close(one.logits, other.logits, rtol=1e-4, atol=1e-5)


def continued(lm: LanguageModel, prompt: list[int], n: int) -> list[tuple[int, torch.Tensor]]:
    """Greedy text without a cache, over the window that LanguageModel.generate documents."""
    size = lm.config.block_size
    window = prompt[-size:]
    result = []
    for _ in range(n):
        logits = lm.model(torch.tensor([window]))[0, -1]
        token = int(logits.argmax())
        result.append((token, logits))
        window.append(token)
        if len(window) > size:
            window = window[-max(1, size // 2) :]
    return result


@pytest.mark.parametrize("block_size", [1, 2, 5, 8])
@pytest.mark.parametrize("n_prompt", [1, 7, 8, 9, 30])
def test_a_text_slides_past_the_context_by_forgetting_its_older_half(block_size, n_prompt):
    lm = language_model(block_size=block_size)
    prompt = [(5 * i + 3) % V for i in range(n_prompt)]
    expected = [token for token, _ in continued(lm, prompt, 40)]
    assert ids(lm.generate(prompt, 40, temperature=0)) == expected


def test_past_the_context_the_distributions_are_those_of_the_window():
    lm = language_model(block_size=8)
    prompt = [1, 2, 3]
    steps = lm.generate(prompt, 40, seed=0)
    window = list(prompt)
    for step in steps:
        expected = lm.model(torch.tensor([window]))[0, -1].softmax(-1)
        torch.testing.assert_close(step.probabilities, expected, rtol=1e-4, atol=1e-5)
        window.append(step.id)
        if len(window) > 8:
            window = window[-4:]


def test_a_prompt_longer_than_the_context_is_read_from_its_end():
    lm = language_model(block_size=8)
    long = [(3 * i) % V for i in range(50)]
    first = next(lm.generate(long, 1, seed=0))
    assert torch.equal(first.probabilities, next(lm.generate(long[-8:], 1, seed=0)).probabilities)


def test_nothing_is_written_where_nothing_is_asked_for(lm):
    assert list(lm.generate("abc", 0)) == []
    assert len(list(lm.generate("abc", 1))) == 1


SCRIPT = "JULIET: naïve 안녕 🦊 and more"


def stopped(gpt2: GPT2Tokenizer, stop: list[str], prompt: str = "x") -> str:
    script = gpt2.encode(SCRIPT)
    lm = reciter(script, gpt2, gpt2.vocab_size)
    assert len(gpt2.encode(prompt)) == 1
    return gpt2.decode(ids(lm.generate(prompt, len(script), temperature=0, stop=stop)))


@pytest.mark.parametrize(
    "stop",
    ["J", "JULIET", "LIET", ":", "T: na", "ïve", "ï", "안", "녕 🦊", "🦊", "ve 안녕 🦊 an", "more"],
)
def test_a_text_ends_with_the_token_that_completes_a_stop_sequence(gpt2, stop):
    script = gpt2.encode(SCRIPT)
    written = (gpt2.decode(script[:n]) for n in range(1, len(script) + 1))
    expected = next(text for text in written if stop in text)
    assert stopped(gpt2, [stop]) == expected


def test_the_stop_sequences_of_this_test_are_cut_in_the_ways_that_matter(gpt2):
    shown = gpt2.pieces(gpt2.encode(SCRIPT))
    assert any(piece.startswith("⟨") for piece in shown), "some token is a part of a character"
    assert "JULIET" not in shown, "some stop sequence spans tokens"


def test_any_of_several_stop_sequences_ends_a_text(gpt2):
    assert stopped(gpt2, ["never", "🦊", "안"]).endswith("안")
    assert stopped(gpt2, ["never"]) == SCRIPT
    assert stopped(gpt2, []) == SCRIPT


def test_a_stop_sequence_in_the_prompt_ends_nothing(gpt2):
    assert stopped(gpt2, [":"], prompt=":").startswith("JULIET")


def test_the_end_of_text_token_ends_a_text(gpt2):
    script = [*gpt2.encode("to be"), gpt2.end_of_text, *gpt2.encode(" never said")]
    lm = reciter(script, gpt2, gpt2.vocab_size)
    steps = list(lm.generate("x", len(script), temperature=0))
    assert ids(steps) == script[: script.index(gpt2.end_of_text) + 1]
    assert steps[-1].token == "<|endoftext|>"


def test_a_token_that_the_tokenizer_has_no_name_for_breaks_nothing():
    script = [0, V + 1, 1, 2]
    lm = reciter(script, CHARACTERS, vocab_size=V + 3)
    assert ids(lm.generate("p", 4, temperature=0, stop=["bc"])) == script
    assert ids(lm.generate("p", 4, temperature=0, stop=["b"])) == script[:3]


@pytest.mark.parametrize(
    ("nonsense", "words"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": [V]}, "token id 17 is not in this model's vocabulary"),
        ({"max_new_tokens": -1}, "max_new_tokens is -1; it cannot be negative"),
        ({"temperature": -1}, "temperature is -1"),
        ({"top_k": 0}, "top_k is 0"),
        ({"top_p": 0}, "top_p is 0"),
        ({"repetition_penalty": -1}, "repetition_penalty is -1"),
        ({"seed": -1}, "seed is -1; it must lie between 0 and"),
        ({"seed": 2**64}, "it must lie between 0 and 2**63 - 1"),
        ({"stop": "abc"}, "stop must be a list of texts, none of them empty"),
        ({"stop": ["a", ""]}, "stop must be a list of texts, none of them empty"),
    ],
)
def test_nonsense_is_refused_at_the_call_before_anything_is_written(lm, nonsense, words):
    asked = {"prompt": "abc", "max_new_tokens": 5, **nonsense}
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is compared
        lm.generate(**asked)
    assert words in str(error.value)


def test_a_step_says_little_of_its_long_distribution(lm):
    step = next(lm.generate("abc", 1, seed=0))
    assert isinstance(step, Step)
    assert "probabilities" not in repr(step)


class TestText:
    """What each step adds to the text, in whole characters."""

    @pytest.fixture
    def bytewise(self) -> LanguageModel:
        """A model of bytes, with more ids than its tokenizer knows."""
        config = GPTConfig(vocab_size=300, block_size=64, n_layer=1, n_head=1, n_embd=8)
        model = GPT(config, torch.Generator().manual_seed(0))
        return LanguageModel(model, raw_bytes(), "bytes", "bytes")

    def test_bytes_wait_until_their_character_is_whole(self):
        writer = Writer(raw_bytes(), list("안".encode()[:1]))
        assert [writer.write(byte) for byte in "안녕".encode()[1:]] == ["", "안", "", "", "녕"]
        assert writer.write(0xEC) == ""
        assert writer.write(999, final=True) == "�"

    def test_the_texts_of_all_steps_are_the_text(self, bytewise):
        steps = list(bytewise.generate("a", 60, temperature=3, seed=2))
        assert any(step.id >= 256 for step in steps)
        known = [step.id for step in steps if step.id < 256]
        assert "".join(step.text for step in steps) == bytes(known).decode(errors="replace")

    def test_a_text_ends_at_every_id_that_the_model_names(self, bytewise):
        free = [step.id for step in bytewise.generate("a", 40, seed=2)]
        model = GPT(bytewise.config, torch.Generator().manual_seed(0))
        named = LanguageModel(model, raw_bytes(), "b", "b", ends=frozenset(free[7:9]))
        first = min(free.index(free[7]), free.index(free[8]))
        assert [step.id for step in named.generate("a", 40, seed=2)] == free[: first + 1]
