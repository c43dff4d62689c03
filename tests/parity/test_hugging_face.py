"""gptviz and `transformers` compute the same, and each loads what the other saves."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import tokenizers
import torch
from safetensors.torch import load_file, save_file, save_model
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    GPT2TokenizerFast,
    PreTrainedTokenizerFast,
)

from gptviz import checkpoints
from gptviz.language_model import load
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer, GPT2Tokenizer, HuggingFaceTokenizer

SMALL = {"vocab_size": 61, "n_positions": 11, "n_layer": 2, "n_head": 2, "n_embd": 8}
CONFIGS = {
    "small": SMALL,
    "one layer, one head": {**SMALL, "n_layer": 1, "n_head": 1},
    "deep, many heads": {**SMALL, "n_layer": 5, "n_head": 8, "n_embd": 32},
    "odd sizes": {"vocab_size": 97, "n_positions": 13, "n_layer": 3, "n_head": 3, "n_embd": 15},
    "untied": {**SMALL, "tie_word_embeddings": False},
    "exact gelu": {**SMALL, "activation_function": "gelu"},
    "relu": {**SMALL, "activation_function": "relu"},
    "gelu by its other name": {**SMALL, "activation_function": "gelu_pytorch_tanh"},
    "coarse norm": {**SMALL, "layer_norm_epsilon": 0.01},
}
OURS = {
    "small": GPTConfig(61, 11, 2, 2, 8),
    "odd sizes": GPTConfig(97, 13, 3, 3, 15),
    "untied": GPTConfig(61, 11, 2, 2, 8, tie_weights=False),
    "relu": GPTConfig(61, 11, 2, 2, 8, activation="relu"),
    "exact gelu": GPTConfig(61, 11, 2, 2, 8, activation="gelu", layer_norm_epsilon=0.01),
}
CHARACTERS = CharacterTokenizer(chr(ord("A") + i) for i in range(61))
TEXTS = ["to be, or not to be", " Hello  world\n", "naïve 안녕 🦊", "<|endoftext|>", ""]


@pytest.fixture(autouse=True)
def complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if `transformers` complains about a file that it reads."""
    logger = logging.getLogger("transformers")
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)
    records = [r for r in caplog.get_records("call") if r.name.startswith("transformers")]
    assert not [r.getMessage() for r in records if r.levelno >= logging.WARNING]


@torch.no_grad()
def randomise(model: torch.nn.Module) -> torch.nn.Module:
    """Give every parameter numbers of its own: fresh biases are zero and hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.normal_(std=0.3, generator=generator)
    return model.eval()


def theirs(attn_implementation: str = "eager", **config: object) -> GPT2LMHeadModel:
    config = GPT2Config(**config, bos_token_id=None, eos_token_id=None)
    config._attn_implementation = attn_implementation
    return randomise(GPT2LMHeadModel(config))


def ids_for(vocab_size: int, block_size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(vocab_size, (1, block_size), generator=generator)


def logits_of(model: torch.nn.Module, ids: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result = model(ids)
    return result if isinstance(result, torch.Tensor) else result.logits


def assert_equal(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_each_activation_equals_that_of_transformers(name: str, tmp_path: Path):
    model = theirs(**CONFIGS[name])
    model.save_pretrained(tmp_path)
    CHARACTERS.save(tmp_path)
    ids = ids_for(model.config.vocab_size, model.config.n_positions)
    with torch.inference_mode():
        expected = model(ids, output_hidden_states=True, output_attentions=True)

    trace = load(tmp_path).trace(ids[0].tolist())

    assert_equal(trace.logits, expected.logits[0])
    stream = ["embed", *(f"h.{i}" for i in range(model.config.n_layer - 1)), "ln_f"]
    assert len(stream) == len(expected.hidden_states)
    for activation, hidden in zip(stream, expected.hidden_states, strict=True):
        assert_equal(trace[activation], hidden[0])
    for i, attention in enumerate(expected.attentions):
        assert_equal(trace[f"h.{i}.attn.pattern"], attention[0])


@pytest.mark.parametrize("name", OURS)
def test_transformers_computes_the_same_from_what_gptviz_saves(name: str, tmp_path: Path):
    config = OURS[name]
    model = randomise(GPT(config))
    checkpoints.save(tmp_path, model, CHARACTERS)
    loaded, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(loaded, GPT2LMHeadModel)
    assert not any(info.values()), info
    ids = ids_for(config.vocab_size, config.block_size)
    assert_equal(logits_of(loaded.eval(), ids), logits_of(model, ids))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_transformers_reads_the_same_16_bit_weights(dtype: torch.dtype, tmp_path: Path):
    model = randomise(GPT(OURS["small"]))
    checkpoints.save(tmp_path, model, CHARACTERS, dtype)
    assert {t.dtype for t in load_file(tmp_path / "model.safetensors").values()} == {dtype}
    assert GPT2LMHeadModel.from_pretrained(tmp_path).dtype == dtype
    loaded = GPT2LMHeadModel.from_pretrained(tmp_path, dtype=torch.float32).eval()
    ours, _ = checkpoints.read(tmp_path)
    ids = ids_for(61, 11)
    assert_equal(logits_of(ours, ids), logits_of(loaded, ids))


def test_a_model_comes_back_from_transformers_as_it_went(tmp_path: Path):
    config = GPTConfig(61, 11, 2, 2, 8, 0.0, 0.2, 0.3, tie_weights=False, activation="relu")
    model = randomise(GPT(config))
    checkpoints.save(tmp_path / "ours", model, CHARACTERS)
    GPT2LMHeadModel.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")
    CHARACTERS.save(tmp_path / "theirs")
    back, _ = checkpoints.read(tmp_path / "theirs")
    assert back.config == config
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


def save_in_shards(model: GPT2LMHeadModel, folder: Path) -> None:
    model.save_pretrained(folder, max_shard_size="2KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 2
    assert not (folder / "model.safetensors").exists()


def save_without_prefix(model: GPT2LMHeadModel, folder: Path) -> None:
    bare = GPT2Model(model.config)
    bare.load_state_dict(model.transformer.state_dict())
    bare.save_pretrained(folder)
    assert "wte.weight" in load_file(folder / "model.safetensors")


def save_as_in_2019(model: GPT2LMHeadModel, folder: Path) -> None:
    """One pickle with both names of the tied weights, and each layer's causal mask."""
    model.config.save_pretrained(folder)
    tensors = model.state_dict()
    for i in range(model.config.n_layer):
        n = model.config.n_positions
        tensors[f"transformer.h.{i}.attn.bias"] = torch.ones(1, 1, n, n).tril()
        tensors[f"transformer.h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
    assert "lm_head.weight" in tensors
    torch.save(tensors, folder / "pytorch_model.bin")


def save_with_masks(model: GPT2LMHeadModel, folder: Path) -> None:
    """As the hub's own GPT-2: no prefix, and each layer's causal mask."""
    save_without_prefix(model, folder)
    tensors = load_file(folder / "model.safetensors")
    for i in range(model.config.n_layer):
        n = model.config.n_positions
        tensors[f"h.{i}.attn.bias"] = torch.ones(1, 1, n, n).tril()
    save_file(tensors, folder / "model.safetensors")


def save_tied_weights_twice(model: GPT2LMHeadModel, folder: Path) -> None:
    model.config.save_pretrained(folder)
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert "lm_head.weight" in tensors
    save_file(tensors, folder / "model.safetensors")


def save_tied_weights_by_their_other_name(model: GPT2LMHeadModel, folder: Path) -> None:
    model.config.save_pretrained(folder)
    save_model(model, str(folder / "model.safetensors"))
    assert "transformer.wte.weight" not in load_file(folder / "model.safetensors")


VARIANTS = [
    save_in_shards,
    save_without_prefix,
    save_as_in_2019,
    save_with_masks,
    save_tied_weights_twice,
    save_tied_weights_by_their_other_name,
]


@pytest.mark.parametrize("save", VARIANTS, ids=lambda save: save.__name__)
def test_every_way_of_saving_a_gpt2_gives_the_same_model(save, tmp_path: Path):
    model = theirs(**SMALL)
    tmp_path.mkdir(exist_ok=True)
    save(model, tmp_path)
    CHARACTERS.save(tmp_path)
    ours, _ = checkpoints.read(tmp_path)
    ids = ids_for(61, 11)
    assert_equal(logits_of(ours, ids), logits_of(model, ids))


def test_an_untied_model_in_shards_keeps_its_own_head(tmp_path: Path):
    model = theirs(**SMALL, tie_word_embeddings=False)
    save_in_shards(model, tmp_path)
    CHARACTERS.save(tmp_path)
    ours, _ = checkpoints.read(tmp_path)
    assert not torch.equal(ours.unembedding, ours.wte.weight)
    assert_equal(logits_of(ours, ids_for(61, 11)), logits_of(model, ids_for(61, 11)))


def test_explicit_attention_gives_the_same_logits(tmp_path: Path):
    model = theirs(**SMALL)
    model.save_pretrained(tmp_path)
    CHARACTERS.save(tmp_path)
    read, _ = checkpoints.read(tmp_path)
    ours = GPT(read.config, attention="explicit").eval()
    ours.load_state_dict(read.state_dict())
    assert_equal(logits_of(ours, ids_for(61, 11)), logits_of(model, ids_for(61, 11)))


def test_a_model_that_is_no_gpt2_is_refused_by_transformers(tmp_path: Path):
    for change in ({"position": "sinusoidal"}, {"norm": "post"}, {"qkv_bias": False}):
        config = GPTConfig(61, 11, 2, 2, 8, **change)
        model = randomise(GPT(config))
        checkpoints.save(tmp_path, model, CHARACTERS)
        with pytest.raises(ValueError, match="gptviz"):
            AutoModelForCausalLM.from_pretrained(tmp_path)
        ours, _ = checkpoints.read(tmp_path)
        assert ours.config == config
        assert_equal(logits_of(ours, ids_for(61, 11)), logits_of(model, ids_for(61, 11)))


def test_transformers_reads_the_gpt2_vocabulary_that_gptviz_saves(tmp_path: Path):
    tokenizer = GPT2Tokenizer()
    model = GPT(GPTConfig(50257, 8, 1, 1, 2))
    checkpoints.save(tmp_path, model, tokenizer)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert len(loaded) == 50257
    assert loaded.eos_token_id == tokenizer.end_of_text
    for text in TEXTS:
        assert loaded.encode(text, split_special_tokens=True) == tokenizer.encode(text), text
        assert loaded.decode(tokenizer.encode(text)) == text


def test_gptviz_reads_the_gpt2_tokenizer_that_transformers_saves(tmp_path: Path):
    GPT2Tokenizer().save(tmp_path / "published")
    loaded = GPT2TokenizerFast.from_pretrained(tmp_path / "published")
    theirs(vocab_size=50257, n_positions=8, n_layer=1, n_head=1, n_embd=2).save_pretrained(tmp_path)
    loaded.save_pretrained(tmp_path)
    _, tokenizer = checkpoints.read(tmp_path)
    assert tokenizer.vocab_size == 50257
    assert tokenizer.end_of_text == 50256
    for text in TEXTS:
        assert tokenizer.encode(text) == GPT2Tokenizer().encode(text)


def test_a_trained_tokenizer_goes_both_ways(tmp_path: Path):
    library = tokenizers.ByteLevelBPETokenizer()
    library.train_from_iterator(["to be, or not to be"] * 9, 270, special_tokens=["<|endoftext|>"])
    first = PreTrainedTokenizerFast(tokenizer_object=library._tokenizer, eos_token="<|endoftext|>")
    theirs(vocab_size=len(first), n_positions=8, n_layer=1, n_head=1, n_embd=2).save_pretrained(
        tmp_path / "theirs"
    )
    first.save_pretrained(tmp_path / "theirs")

    model, tokenizer = checkpoints.read(tmp_path / "theirs")
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    checkpoints.save(tmp_path / "ours", model, tokenizer)
    last = AutoTokenizer.from_pretrained(tmp_path / "ours")

    assert last.eos_token_id == tokenizer.end_of_text == first.eos_token_id
    for text in TEXTS:
        ids = first.encode(text, split_special_tokens=True)
        assert tokenizer.encode(text) == ids == last.encode(text, split_special_tokens=True)
