"""What a saved picture is called."""

import pytest
import streamlit as st

from gptviz.app.save import file_name


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Be on a page with some choices."""

    def go(**state: str) -> None:
        monkeypatch.setattr(st, "session_state", state)

    return go


def test_a_name_says_page_prompt_picture_layer_and_head(at):
    at(page="attention", prompt="Once upon\n a time: “there” was / a…")
    assert file_name("lines", "h.2.attn.pattern[7]") == (
        "gptviz-attention-Once-upon-a-time-there-was-a-lines-L2-H7"
    )
    assert file_name("norms", "h.11.ln_1[3]").endswith("-norms-L11")
    assert file_name("heads", "h.*.attn.pattern").endswith("-heads")


def test_a_picture_of_a_run_is_called_after_the_run(at):
    at(page="training", prompt="Once", run="my-run")
    assert file_name("curves") == "gptviz-training-my-run-curves"


@pytest.mark.parametrize("page", ["scaling", "build_up", "byte_pairs", "one_layer"])
def test_a_picture_of_a_page_that_reads_no_prompt_is_not_called_after_one(at, page: str):
    at(page=page, prompt="Once upon a time", run="my-run")
    assert file_name("curve") == f"gptviz-{page}-curve"


@pytest.mark.parametrize(
    "prompt", ["", "../../etc", "a" * 500, "안녕 세계 🙂", "\0\n", 'a"b<c>|?*:\\']
)
def test_a_name_can_be_written_to_every_disk(at, prompt: str):
    at(page="tokens", prompt=prompt)
    name = file_name("pieces")
    assert not set(name) & set('<>:"/\\|?*\0\n .')
    assert len(f"{name}.svg".encode()) <= 255


def test_before_anything_is_chosen_there_is_a_name(at):
    at()
    assert file_name("path") == "gptviz-path"
