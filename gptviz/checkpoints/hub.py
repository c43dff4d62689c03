"""Models of the Hugging Face hub, kept in its usual cache."""

import re
from pathlib import Path

from gptviz.checkpoints.folder import TOKENIZER_FILES, is_model

_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_SAFE = [
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "model-*-of-*.safetensors",
    *TOKENIZER_FILES,
]
_PICKLES = ["pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin"]


def is_id(name: str) -> bool:
    """Whether a name has the form of a hub id: "gpt2" or "organisation/model"."""
    return _ID.fullmatch(name) is not None


def download(hub_id: str) -> Path:
    """The folder of a hub model, fetched with a progress bar unless the cache holds it.

    What is in the cache is used as it is, without asking the hub. Raises FileNotFoundError if
    the model is not there and cannot be fetched, ValueError if it is no model that can be read.
    """
    # Takes a third of a second to import, and most models are not from the hub.
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(hub_id, "config.json")
        if isinstance(cached, str) and is_model(Path(cached).parent):
            return Path(cached).parent
        folder = Path(snapshot_download(hub_id, allow_patterns=_SAFE))
        if not is_model(folder):
            snapshot_download(hub_id, allow_patterns=_PICKLES)
    except HFValidationError as error:
        raise ValueError(f"{hub_id!r} is no hub id: {error}") from error
    except OSError as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise FileNotFoundError(
            f"the model {hub_id!r} is not on this machine and could not be fetched ({reason}); "
            f'connect to the network and run gptviz.load("{hub_id}") once, or copy its folder to '
            f'checkpoints/, or take gptviz.load("shakespeare")'
        ) from error
    return folder
