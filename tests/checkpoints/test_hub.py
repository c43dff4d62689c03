"""Models from the hub, against a server on this machine that speaks the hub's language."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptviz import checkpoints
from gptviz.model import GPT, GPTConfig
from gptviz.tokenizers import CharacterTokenizer

COMMIT = "0123456789" * 4


class Hub(ThreadingHTTPServer):
    """The folders below one folder, as the models of a hub; `asked` lists what was asked for."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0):
        super().__init__(("127.0.0.1", port), Answer)
        self.folder, self.asked, self.cut_after = folder, [], None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def fetched(self) -> set[str]:
        """The files that were asked for, without their folders' names."""
        return {path.partition("/resolve/")[2][41:] for path in self.asked if "/resolve/" in path}


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # which keeps no connection open, so that a stopped hub is gone
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if path.startswith("/api/models/"):
            name = path.removeprefix("/api/models/").partition("/revision/")[0]
            name, _, tree = name.partition("/tree/")
            model = self.server.folder / name
            if model.is_dir():
                return self.send(json.dumps(self.files(model) if tree else self.about(model)))
        elif "/resolve/" in path:
            name, _, file = path[1:].partition("/resolve/")
            found = self.server.folder / name / file.partition("/")[2]
            if found.is_file():
                return self.send(found.read_bytes(), self.server.cut_after)
        return self.send_missing()

    do_HEAD = do_GET  # noqa: N815

    def about(self, model: Path) -> dict:
        names = [entry["path"] for entry in self.files(model)]
        return {"id": model.name, "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}

    def files(self, model: Path) -> list[dict]:
        return [
            {
                "type": "file",
                "path": str(file.relative_to(model)),
                "size": file.stat().st_size,
                "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
            }
            for file in model.rglob("*")
            if file.is_file()
        ]

    def send(self, body: str | bytes, cut_after: int | None = None) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:cut_after])

    def send_missing(self) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()


WORKER = """
import json, sys
from gptviz import checkpoints
for line in sys.stdin:
    try:
        answer = {"folder": str(checkpoints.find(line.strip()))}
    except (ValueError, OSError) as error:
        answer = {"error": type(error).__name__, "sentence": str(error)}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def port(models: Path) -> int:
    hub = Hub(models)
    hub.stop()
    return hub.server_port


@pytest.fixture
def hub(models: Path, port: int) -> Iterator[Hub]:
    server = Hub(models, port)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def progress(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a person sees in the terminal while a model is fetched."""
    return tmp_path_factory.mktemp("terminal") / "stderr"


@pytest.fixture(scope="module")
def find(
    port: int, progress: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], dict[str, str]]]:
    """Finds a model in a process of its own, whose hub and cache are the test's."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{port}",
        "HF_HOME": str(home),
        "GPTVIZ_CHECKPOINTS": str(home / "none"),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WORKER]
    with (
        progress.open("w") as terminal,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=terminal, text=True, env=environment
        ) as worker,
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None

        def ask(name: str) -> dict[str, str]:
            print(name, file=worker.stdin, flush=True)
            return json.loads(worker.stdout.readline())

        yield ask
        worker.stdin.close()


@pytest.fixture
def model() -> GPT:
    return GPT(GPTConfig(7, 8, 2, 2, 8), torch.Generator().manual_seed(0)).eval()


def put(folder: Path, model: GPT) -> Path:
    checkpoints.save(folder, model, CharacterTokenizer("abcdefg"))
    return folder


def assert_same(answer: dict[str, str], model: GPT) -> None:
    assert "folder" in answer, answer
    fetched, _ = checkpoints.read(Path(answer["folder"]))
    for name, tensor in model.state_dict().items():
        assert torch.equal(fetched.state_dict()[name], tensor), name


def test_a_hub_id_is_fetched_with_progress_and_without_what_is_not_needed(
    hub: Hub, find, progress: Path, models: Path, model: GPT
):
    folder = put(models / "org" / "tiny", model)
    (folder / "token_counts.npz").write_bytes(b"counts")
    for name in ("README.md", "pytorch_model.bin", "model.fp16.safetensors", "onnx/config.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not needed")
    assert_same(find("org/tiny"), model)
    needed = {"characters.json", "config.json", "model.safetensors", "token_counts.npz"}
    needed |= {"tokenizer.json", "tokenizer_config.json"}
    assert hub.fetched() == needed
    assert "Fetching 6 files" in progress.read_text()


def test_what_is_in_the_cache_needs_no_hub(hub: Hub, find, models: Path, model: GPT):
    put(models / "cached", model)
    first = find("cached")
    assert "folder" in first
    hub.asked.clear()
    assert find("cached") == first
    assert hub.asked == []
    hub.stop()
    assert find("cached") == first


def test_offline_it_says_which_model_is_missing_and_what_can_be_done(find):
    answer = find("gpt2")
    assert answer["error"] == "FileNotFoundError"
    sentence = answer["sentence"]
    assert "the model 'gpt2' is not on this machine" in sentence
    assert "Connection refused" in sentence
    assert 'run gptviz.load("gpt2") once' in sentence
    assert "copy its folder to checkpoints/" in sentence
    assert 'gptviz.load("tales")' in sentence
    assert "\n" not in sentence


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_does_not_have_is_refused_in_words(find):
    answer = find("org/unknown")
    assert answer["error"] == "FileNotFoundError"
    assert "the hub shows no model 'org/unknown'; check the name" in answer["sentence"]


def test_a_connection_that_breaks_is_told_in_words_and_the_next_one_goes_on(
    hub: Hub, find, models: Path, model: GPT
):
    put(models / "org" / "broken", model)
    hub.cut_after = 1000
    answer = find("org/broken")
    assert answer["error"] == "FileNotFoundError"
    assert "could not be fetched (peer closed connection" in answer["sentence"]
    hub.cut_after = None
    assert_same(find("org/broken"), model)


def test_the_weights_of_another_architecture_are_not_fetched(
    hub: Hub, find, models: Path, model: GPT
):
    folder = put(models / "org" / "llama", model)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    answer = find("org/llama")
    assert answer["error"] == "ValueError"
    assert "model_type 'llama'" in answer["sentence"]
    assert hub.fetched() == {"config.json"}


def test_a_model_in_several_files_is_fetched_whole(hub: Hub, find, models: Path, model: GPT):
    folder = put(models / "org" / "sharded", model)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    halves = {"model-00001-of-00002": names[::2], "model-00002-of-00002": names[1::2]}
    for half, held in halves.items():
        save_file({name: tensors[name] for name in held}, folder / f"{half}.safetensors")
    weight_map = {name: f"{half}.safetensors" for half, held in halves.items() for name in held}
    index = json.dumps({"weight_map": weight_map})
    (folder / "model.safetensors.index.json").write_text(index)
    assert_same(find("org/sharded"), model)
    assert {f"{half}.safetensors" for half in halves} <= hub.fetched()


def test_a_pickle_is_fetched_where_there_is_nothing_else(hub: Hub, find, models, model: GPT):
    folder = put(models / "org" / "pickled", model)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert_same(find("org/pickled"), model)
    assert "pytorch_model.bin" in hub.fetched()


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_a_hub_model_that_lacks_a_file_is_refused_in_words(
    find, models: Path, model: GPT, missing: str
):
    name = f"without-{missing.partition('.')[0]}"
    (put(models / "org" / name, model) / missing).unlink()
    answer = find(f"org/{name}")
    assert answer["error"] == "ValueError"
    sentence = answer["sentence"]
    assert f"the model 'org/{name}' was fetched, but cannot be used" in sentence
    assert f"holds no {'weights' if missing == 'model.safetensors' else missing}" in sentence
    assert "choose another model" in sentence
    assert "network" not in sentence
    assert "\n" not in sentence
