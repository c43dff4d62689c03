"""Shapes that were published, GPT-2's and GPT-3's, and those of the models on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from gptviz import checkpoints, parameters
from gptviz.checkpoints import config as configs
from gptviz.checkpoints import listing
from gptviz.config import GPTConfig
from gptviz.quoting import quoted

VOCABULARY = 50_257  # of all of them


@dataclass(frozen=True)
class Published:
    """A model of a paper: its shape, and what the paper says of its size."""

    slug: str  # in addresses and commands
    title: str
    config: GPTConfig
    said: int  # millions of parameters, in the paper
    note: str = ""  # where the paper's table cannot be followed


def _gpt2(slug: str, title: str, layers: int, heads: int, width: int, said: int) -> Published:
    shape = GPTConfig(VOCABULARY, 1024, layers, heads, width)
    return Published(slug, title, shape, said)


def _gpt3(
    slug: str, title: str, layers: int, heads: int, width: int, said: int, note: str = ""
) -> Published:
    # The paper names no dropout, and says that little overfits where a text is read about once.
    shape = GPTConfig(VOCABULARY, 2048, layers, heads, width, 0.0, 0.0, 0.0)
    return Published(slug, title, shape, said, note)


# Radford et al. (2019), table 2, with the heads of the models that were released; Brown et al.
# (2020, Language Models are Few-Shot Learners), table 2.1. Every second layer of GPT-3 looks at
# fewer tokens, which changes no parameter.
PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {
        model.slug: model
        for model in (
            _gpt2("gpt2", "GPT-2 Small", 12, 12, 768, 117),
            _gpt2("gpt2-medium", "GPT-2 Medium", 24, 16, 1024, 345),
            _gpt2("gpt2-large", "GPT-2 Large", 36, 20, 1280, 762),
            _gpt2("gpt2-xl", "GPT-2 XL", 48, 25, 1600, 1542),
            _gpt3("gpt3-small", "GPT-3 Small", 12, 12, 768, 125),
            _gpt3("gpt3-medium", "GPT-3 Medium", 24, 16, 1024, 350),
            _gpt3("gpt3-large", "GPT-3 Large", 24, 16, 1536, 760),
            _gpt3(
                "gpt3-xl",
                "GPT-3 XL",
                24,
                16,
                2048,
                1_300,
                "The paper gives 24 heads of 128 numbers, which do not make its width of 2,048; "
                "16 do. How many heads share a width changes no parameter.",
            ),
            _gpt3("gpt3-2.7b", "GPT-3 2.7B", 32, 32, 2560, 2_700),
            _gpt3("gpt3-6.7b", "GPT-3 6.7B", 32, 32, 4096, 6_700),
            _gpt3(
                "gpt3-13b",
                "GPT-3 13B",
                40,
                40,
                5120,
                13_000,
                "The paper gives the width 5,140, which 40 heads of its 128 numbers do not make; "
                "they make 5,120.",
            ),
            _gpt3("gpt3-175b", "GPT-3 175B", 96, 96, 12_288, 175_000),
        )
    }
)


def shape(name: str) -> GPTConfig:
    """The shape of a published model, or of one on this machine: a name or a folder.

    No weights are read, and nothing is downloaded. Raises FileNotFoundError for another name,
    ValueError for a folder whose config.json cannot be used.
    """
    if name in PUBLISHED:
        return PUBLISHED[name].config
    folder = Path(name)
    if folder.is_dir() and name not in checkpoints.names():
        return configs.read(listing.checkpoint(folder))
    try:
        return configs.read(checkpoints.find_listed(name))
    except FileNotFoundError:
        there = ", ".join(checkpoints.names()) or "none yet"
        raise FileNotFoundError(
            f"there is no model {quoted(name, 80)}; published shapes are {', '.join(PUBLISHED)}; "
            f"under {checkpoints.root()} there are: {there}"
        ) from None


def family(config: GPTConfig | None = None, title: str = "") -> pd.DataFrame:
    """All published models, and before them another shape if one is given, a row each.

    Columns: model, layers, heads, width, context, parameters, published (millions, as the paper
    says), MiB (of the weights in 32 bits).
    """
    shapes = {model.title: (model.config, model.said) for model in PUBLISHED.values()}
    own = {} if config is None else {title: (config, None)}
    rows = [
        (
            name,
            found.n_layer,
            found.n_head,
            found.n_embd,
            found.block_size,
            parameters.count(found),
            said,
            4 * parameters.count(found) / 2**20,
        )
        for name, (found, said) in (own | shapes).items()
    ]
    columns = ["model", "layers", "heads", "width", "context", "parameters", "published", "MiB"]
    return pd.DataFrame(rows, columns=columns).astype({"published": float})
