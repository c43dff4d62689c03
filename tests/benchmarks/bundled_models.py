"""What a small GPT-2 has learnt, measured with `transformers` and nothing of gptviz.

    python tests/benchmarks/bundled_models.py checkpoints/tales --text tales.txt.xz
    python tests/benchmarks/bundled_models.py checkpoints/shakespeare \\
        --text gptviz/data/shakespeare.txt [--windows 64] [--json]

--text is the text that the model was trained on, all but the last tenth of its tokens. Tales in it
are parted by <|endoftext|>, which becomes its one token; the newlines around it are dropped. The
openings, pairs and analogies are those of tests/sense.json. What does not apply to a model is
skipped with a sentence.
"""

import argparse
import json
import lzma
import math
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, logging

SENSE = json.loads((Path(__file__).parents[1] / "sense.json").read_text(encoding="utf-8"))
HARDLY_SEEN = 20  # times: a vector that was seen less often has had no chance to mean anything
COMMON, HALF, N_TEXTS = 2000, 40, 8
N_WRITTEN, TEMPERATURE = 100, 0.7


class Model:
    """A folder as `transformers` reads it, in float32; and what is known of its training text."""

    def __init__(self, folder: Path, text: Path | None):
        self.folder = folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.gpt = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager")
        self.gpt.float().eval()
        self.wte = F.normalize(self.gpt.get_input_embeddings().weight, dim=-1)
        self.ids = None if text is None else self.encode_text(text)
        self.counts = self.count()

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False, verbose=False)

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)

    def encode_text(self, path: Path) -> np.ndarray:
        """The whole text, (N,), with the end-of-text token between tales."""
        data = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        ids: list[int] = []
        for tale in re.split(r"(\n*<\|endoftext\|>\n*)", data.decode()):
            parted = "<|endoftext|>" in tale
            ids += [self.tokenizer.eos_token_id] if parted else self.encode(tale)
        return np.array(ids)

    def count(self) -> np.ndarray | None:
        """How often the training text holds each id, (V,), from the folder or else the text."""
        if (self.folder / "token_counts.npz").is_file():
            with np.load(self.folder / "token_counts.npz") as file:
                return file["counts"].astype(np.int64)
        if self.ids is None:
            return None
        trained_on = self.ids[: len(self.ids) - len(self.ids) // 10]
        return np.bincount(trained_on, minlength=len(self.wte))

    def tokens(self, words: Sequence[str]) -> list[int]:
        """The one id of each word. Raises ValueError for a word of several."""
        written = [self.encode(word) for word in words]
        split = [word for word, ids in zip(words, written, strict=True) if len(ids) != 1]
        if split:
            raise ValueError(
                f"{len(split)} of {len(words)} words are not one token of this vocabulary, "
                f"for example{split[0]}"
            )
        return [ids[0] for ids in written]

    def next_log_probs(self, ids: Sequence[int]) -> Tensor:
        """Log-probabilities of what follows, (V,)."""
        return self.gpt(torch.tensor([list(ids)])).logits[0, -1].log_softmax(-1)


def size(model: Model) -> dict:
    """Parameters, tied ones once, and megabytes of the whole folder."""
    n_bytes = sum(file.stat().st_size for file in model.folder.iterdir())
    return {"parameters": model.gpt.num_parameters(), "megabytes": n_bytes / 1e6}


def held_out(model: Model, n_windows: int | None) -> dict:
    """Loss on the last tenth of the tokens, in windows of the context's length side by side.

    Bits a byte: of the text in UTF-8, in which an end-of-text token has none.
    """
    if model.ids is None:
        raise ValueError("needs --text")
    T = model.gpt.config.n_positions
    ids = torch.from_numpy(model.ids[-(len(model.ids) // 10) :])
    n = (len(ids) - 1) // T
    if n < 1:
        raise ValueError(f"the last tenth, {len(ids)} tokens, holds no window of {T + 1}")
    chosen = range(n) if n_windows is None else np.linspace(0, n - 1, min(n, n_windows), dtype=int)
    nats, n_bytes = 0.0, 0
    for start in (int(i) * T for i in chosen):
        target = ids[start + 1 : start + T + 1]
        logits = model.gpt(ids[None, start : start + T]).logits[0]
        nats += float(F.cross_entropy(logits, target, reduction="sum"))
        n_bytes += len(model.decode(target[target != model.tokenizer.eos_token_id]).encode())
    return {
        "tokens": len(ids),
        "windows": len(chosen),
        "nats_a_token": nats / (len(chosen) * T),
        "bits_a_byte": nats / math.log(2) / n_bytes,
    }


def repeated_texts(model: Model) -> list[list[int]]:
    """Eight texts of 40 random tokens, all of them said twice; no token is twice in a half.

    Drawn from the 2,000 commonest of the training text but for the end-of-text token, which is no
    part of a text.
    """
    if model.counts is None:
        raise ValueError("needs --text or token_counts.npz to know which tokens are common")
    if model.gpt.config.n_positions < 2 * HALF:
        raise ValueError(f"its context of {model.gpt.config.n_positions} is below {2 * HALF}")
    order = np.argsort(-model.counts, kind="stable")
    common = order[(model.counts[order] > 0) & (order != model.tokenizer.eos_token_id)][:COMMON]
    if len(common) < HALF:
        raise ValueError(f"its training text has {len(common)} different tokens, not {HALF}")
    draw = np.random.default_rng(0)
    return [draw.choice(common, HALF, replace=False).tolist() * 2 for _ in range(N_TEXTS)]


def heads(model: Model) -> dict:
    """The best heads at two jobs, and the loss where random tokens are said again.

    previous_token: the mean weight on the token before, over all positions but the first.
    induction: the mean weight that the second half gives to the token after the earlier occurrence.
    Both losses leave out the first token of their half, which nothing can tell.
    """
    texts = torch.tensor(repeated_texts(model))
    out = model.gpt(texts, output_attentions=True)
    patterns = torch.stack(out.attentions).mean(1)  # (layers, H, T, T): the mean of the texts
    before = patterns.diagonal(-1, -2, -1).mean(-1)
    after_earlier = patterns.diagonal(1 - HALF, -2, -1)[..., 1:].mean(-1)
    losses = F.cross_entropy(out.logits[:, :-1].transpose(1, 2), texts[:, 1:], reduction="none")
    first, second = float(losses[:, : HALF - 1].mean()), float(losses[:, HALF:].mean())
    return {
        "previous_token": best_heads(before),
        "induction": best_heads(after_earlier),
        "loss_first": first,
        "loss_second": second,
        "second_of_first": second / first,
    }


def best_heads(scores: Tensor) -> list[dict]:
    """The three highest scores of (layers, H), with their places."""
    best = scores.flatten().topk(min(3, scores.numel()))
    return [
        {"layer": place // scores.size(1), "head": place % scores.size(1), "score": score}
        for place, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


def openings(model: Model) -> dict:
    """The likeliest next token of each opening, and whether it is one that makes sense there."""
    model.tokens(sorted({word for opening in SENSE["openings"] for word in opening["next"]}))
    guesses = []
    for opening in SENSE["openings"]:
        log_prob, token = model.next_log_probs(model.encode(opening["text"])).max(-1)
        guess = model.decode([int(token)])
        guesses.append(
            {
                "text": opening["text"],
                "guess": guess,
                "probability": float(log_prob.exp()),
                "acceptable": guess in opening["next"],
            }
        )
    [time] = model.tokens([" time"])
    return {
        "acceptable": sum(guess["acceptable"] for guess in guesses),
        "guesses": guesses,
        "once_upon_a_time": float(model.next_log_probs(model.encode("Once upon a"))[time].exp()),
    }


def pairs(model: Model) -> list[dict]:
    """The rank of each word among those nearest to the other by the cosine of wte.

    1 is the nearest but for the word itself. `ranks` compares the whole vocabulary, `ranks_seen`
    the tokens that the training text holds at least 20 times.
    """
    without = {"": []}
    if model.counts is not None:
        without["_seen"] = np.flatnonzero(model.counts < HARDLY_SEEN).tolist()
    rows = []
    for pair in SENSE["pairs"]:
        a, b = model.tokens(pair)
        to_a, to_b = model.wte @ model.wte[a], model.wte @ model.wte[b]
        row = {"pair": pair, "cosine": float(to_a[b])}
        for which, left_out in without.items():
            ranks = [rank(to_a, b, [a, *left_out]), rank(to_b, a, [b, *left_out])]
            row |= {f"ranks{which}": ranks, f"within_ten{which}": max(ranks) <= 10}
        rows.append(row)
    return rows


def analogies(model: Model) -> dict:
    """a is to b as c is to what? The tokens nearest to b − a + c by the cosine of wte.

    3CosAdd: each vector is scaled to length 1 first (Mikolov et al., 2013). The whole vocabulary is
    compared, without the very tokens of the three words; another form of one of them, such as its
    capital, counts as a wrong answer.
    """
    rows = []
    for words in SENSE["analogies"]:
        a, b, c, d = model.tokens(words)
        cosines = model.wte @ F.normalize(model.wte[b] - model.wte[a] + model.wte[c], dim=0)
        place = rank(cosines, d, [a, b, c])
        cosines[[a, b, c]] = -math.inf
        top = [model.decode([token]) for token in cosines.topk(3).indices.tolist()]
        rows.append({"words": words, "rank": place, "nearest": top})
    return {"first": sum(row["rank"] == 1 for row in rows), "analogies": rows}


def rank(cosines: Tensor, token: int, without: Sequence[int]) -> int:
    """How many tokens are nearer, and one; those of `without` do not count."""
    nearer = cosines > cosines[token]
    nearer[list(without)] = False
    return 1 + int(nearer.sum())


def written(model: Model) -> list[str]:
    """A hundred tokens after "Once upon a time" for three seeds, drawn from the plain softmax."""
    texts = []
    for seed in range(3):
        torch.manual_seed(seed)
        ids = model.encode("Once upon a time")
        for _ in range(N_WRITTEN):
            log_probs = model.next_log_probs(ids[-model.gpt.config.n_positions :])
            ids.append(int(torch.multinomial((log_probs / TEMPERATURE).softmax(-1), 1)))
        texts.append(model.decode(ids))
    return texts


def told(found: object) -> Iterator[str]:
    """Lines: what is known of one thing side by side, the things of a list one below the other."""
    if isinstance(found, list):
        for item in found:
            yield from told(item)
    elif isinstance(found, dict):
        tables = {name: value for name, value in found.items() if is_table(value)}
        for name, value in tables.items():
            yield f"  {name}:"
            yield from told(value)
        beside = (f"{name} {short(found[name])}" for name in found if name not in tables)
        yield "  " + "   ".join(beside)
    else:
        yield f"  {found}"


def is_table(value: object) -> bool:
    return isinstance(value, list) and isinstance(value[0], dict)


def short(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else repr(value)


def main() -> None:
    """Print each section as soon as it is known, or all of them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--text", type=Path, help="what it was trained on: .txt or .txt.xz")
    parser.add_argument("--windows", type=int, help="of the held-out text, so many, spread evenly")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    sections = {
        "size": size,
        "held_out": partial(held_out, n_windows=options.windows),
        "heads": heads,
        "openings": openings,
        "pairs": pairs,
        "analogies": analogies,
        "written": written,
    }
    found = {}
    with torch.inference_mode():
        model = Model(options.folder, options.text)
        for name, section in sections.items():
            try:
                found[name] = section(model)
            except ValueError as why:
                found[name] = f"skipped: {why}"
            if not options.json:
                print(name, *told(found[name]), sep="\n", end="\n\n", flush=True)
    if options.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
