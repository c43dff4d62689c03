"""A model whose folder tells how often its training text holds each token knows it."""

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

import gptviz
from gptviz import checkpoints
from gptviz.checkpoints import counts
from gptviz.tokenizers import CharacterTokenizer

TOKENIZER = CharacterTokenizer("abcdefg")
COUNTS = np.array([300, 0, 5, 70_000, 1, 2, 20])


def file_of(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def archive_of(content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("counts.npy", content)
    return archive.getvalue()


@pytest.fixture
def steps(tmp_path: Path, random_model) -> list[Path]:
    """A checkpoint and a snapshot of a run."""
    found = [tmp_path / "run" / kind / "step-000600" for kind in ("checkpoints", "snapshots")]
    for step in found:
        checkpoints.save(step, random_model(), TOKENIZER)
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64, np.int64])
def test_a_folder_that_holds_counts_makes_them_known(folder: Path, dtype: type):
    expected = COUNTS.astype(dtype)
    (folder / "token_counts.npz").write_bytes(file_of(counts=expected))
    found = gptviz.load(folder).token_counts
    np.testing.assert_array_equal(found, expected)
    assert not found.flags.writeable, "all browsers share it"


def test_without_the_file_nothing_is_known_and_nobody_is_warned(folder: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gptviz.load(folder).token_counts is None


def test_what_is_saved_comes_back_in_few_bytes(folder: Path, random_model):
    checkpoints.save(folder, random_model(), TOKENIZER, token_counts=COUNTS)
    np.testing.assert_array_equal(gptviz.load(folder).token_counts, COUNTS)
    with np.load(folder / "token_counts.npz") as file:
        assert file["counts"].dtype == np.uint32


def test_counts_of_an_old_model_do_not_stay_beside_a_new_one(folder: Path, random_model):
    (folder / "token_counts.npz").write_bytes(file_of(counts=COUNTS))
    checkpoints.save(folder, random_model(seed=1), TOKENIZER)
    assert gptviz.load(folder).token_counts is None


def test_every_step_of_a_run_has_the_counts_of_its_run(steps, tmp_path: Path, monkeypatch):
    (tmp_path / "run" / "token_counts.npz").write_bytes(file_of(counts=COUNTS))
    (tmp_path / "link").symlink_to(steps[1])
    for place in (*steps, tmp_path / "link"):
        np.testing.assert_array_equal(gptviz.load(place).token_counts, COUNTS)
    monkeypatch.chdir(steps[0])
    np.testing.assert_array_equal(gptviz.load(".").token_counts, COUNTS)


def test_a_model_beside_a_file_of_counts_does_not_take_it_for_its_own(folder: Path):
    (folder.parent / "token_counts.npz").write_bytes(file_of(counts=COUNTS))
    (folder.parents[1] / "token_counts.npz").write_bytes(file_of(counts=COUNTS))
    assert gptviz.load(folder).token_counts is None


def test_new_counts_change_the_fingerprint_so_that_the_model_is_loaded_anew(steps, tmp_path: Path):
    seen = {checkpoints.fingerprint(steps[0])}
    (tmp_path / "run" / "token_counts.npz").write_bytes(file_of(counts=COUNTS))
    seen.add(checkpoints.fingerprint(steps[0]))
    (steps[0] / "token_counts.npz").write_bytes(file_of(counts=COUNTS + 1))
    seen.add(checkpoints.fingerprint(steps[0]))
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is cut off or holds no array named counts"),
        (b"counts", "is cut off or holds no array named counts"),
        (file_of(counts=COUNTS)[:100], "is cut off or holds no array named counts"),
        (file_of(count=COUNTS), "is cut off or holds no array named counts"),
        (file_of(counts=np.array([{}] * 7)), "is cut off or holds no array named counts"),
        (file_of(counts=COUNTS[1:]), r"7 whole numbers .* it holds int64 of the shape \(6,\)"),
        (file_of(counts=COUNTS[None]), r"7 whole numbers .* it holds int64 of the shape \(1, 7\)"),
        (file_of(counts=COUNTS / 2), r"7 whole numbers .* it holds float64 of the shape"),
        (archive_of(b"7"), r"7 whole numbers .* it holds \|S1 of the shape"),
        (file_of(counts=COUNTS - 1), "7 whole numbers from 0 on"),
    ],
    ids=[
        "empty",
        "text",
        "cut off",
        "misnamed",
        "objects",
        "short",
        "square",
        "halves",
        "bytes",
        "negative",
    ],
)
def test_broken_counts_are_told_in_a_sentence_and_the_model_opens_without(
    folder: Path, content: bytes, reason: str
):
    path = folder / "token_counts.npz"
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=reason) as told:
        lm = gptviz.load(folder)
    assert lm.token_counts is None
    assert len(lm.trace("abc").tokens) == 3
    (sentence,) = [str(warning.message) for warning in told]
    assert sentence.startswith(f"{path} ")
    assert "remove it; the model opens without" in sentence
    assert "\n" not in sentence


def test_an_array_that_is_no_archive_is_told_in_a_sentence(folder: Path):
    with (folder / "token_counts.npz").open("wb") as file:
        np.save(file, COUNTS)
    with pytest.raises(ValueError, match="holds no array named counts; copy it again, or remove"):
        counts.read(folder, 7)
