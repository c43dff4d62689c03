"""Models of the Hugging Face hub, kept in its usual cache."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from gptviz.checkpoints import config, counts, weights
from gptviz.checkpoints.folder import GENERATION_FILE, TOKENIZER_FILES, is_model
from gptviz.quoting import quoted

_ID = re.compile(r"(?!.*(--|\.\.))\w([\w.-]*\w)?(/\w([\w.-]*\w)?)?", re.ASCII)
_FILES = [
    config.FILE,
    weights.FILE,
    f"{weights.FILE}.index.json",
    "model-*-of-*.safetensors",
    *TOKENIZER_FILES,
    GENERATION_FILE,
    counts.FILE,
]
_PICKLES = [weights.PICKLE, f"{weights.PICKLE}.index.json", "pytorch_model-*-of-*.bin"]


def is_id(name: str) -> bool:
    """Whether a name has the form of a hub id: "gpt2" or "organisation/model"."""
    return len(name) <= 96 and _ID.fullmatch(name) is not None


def download(hub_id: str) -> Path:
    """The folder of a hub model, fetched with a progress bar unless the cache holds it.

    What is in the cache is used as it is, without asking the hub. Raises FileNotFoundError if
    the model is not there and cannot be fetched, ValueError if it is no GPT-2, if it lacks a
    file, or if the id is no hub id.
    """
    # Takes a third of a second to import, and most models are not from the hub.
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    # Its HTTP client, and so what a broken connection raises, has changed twice; its carrier of
    # large files raises RuntimeError.
    http_errors = cast("tuple[type[Exception], ...]", HfHubHTTPError.__bases__)
    failures: tuple[type[Exception], ...] = (OSError, RuntimeError, *http_errors)
    try:
        cached = try_to_load_from_cache(hub_id, config.FILE)
        if isinstance(cached, str) and is_model(Path(cached).parent):
            return Path(cached).parent
        return _fetch(hub_id)
    except RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"the hub shows no model {quoted(hub_id)}; check the name, or log in with `hf auth "
            f"login` "
            f"if it is not public"
        ) from error
    except failures as error:
        reason = re.split(r"\n|\. ", str(error.__cause__ or error))[0]
        raise FileNotFoundError(
            f"the model {quoted(hub_id)} is not on this machine and could not be fetched "
            f"({reason}); "
            f'connect to the network and run gptviz.load("{hub_id}") once, or copy its folder to '
            f'checkpoints/, or take gptviz.load("tales")'
        ) from error


def _fetch(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download

    folder = Path(snapshot_download(hub_id, allow_patterns=config.FILE))
    with _told_as_unusable(hub_id):
        config.read(folder)  # first, as the weights of another architecture may be huge
    snapshot_download(hub_id, allow_patterns=_FILES)
    if not any(folder.glob(f"{weights.FILE}*")):
        snapshot_download(hub_id, allow_patterns=_PICKLES)
    with _told_as_unusable(hub_id):
        weights.files(folder)
    return folder


@contextmanager
def _told_as_unusable(hub_id: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:  # not for want of a network
        raise ValueError(
            f"the model {quoted(hub_id)} was fetched, but cannot be used: {error}; choose another "
            f"model, "
            f"or fetch it again if that broke off"
        ) from error
