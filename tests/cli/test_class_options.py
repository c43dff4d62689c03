"""The options for a class: what they set, and the sentence where they mean nothing."""

import pytest

from gptviz.app import server
from gptviz.app.limits import Limits
from gptviz.cli import main


@pytest.fixture
def limits(monkeypatch):
    """What a command line sets; the code with which it ends where nothing is served."""
    served = []
    monkeypatch.setattr(server, "serve", lambda *_, limits, **__: served.append(limits) or 0)

    def of(words: str) -> object:
        code = main(words.split())
        return served[-1] if served else code

    return of


@pytest.mark.parametrize(
    ("words", "set_to"),
    [
        ("", None),
        ("--host 0.0.0.0", None),
        ("--classroom", Limits()),
        ("--classroom app --max-steps 300", Limits(max_steps=300)),
        ("--max-steps 300 app --classroom", Limits(max_steps=300)),
        ("app --classroom --no-training --max-prompt 40", Limits(training=False, max_prompt=40)),
        (
            "--classroom --allow-uploads --max-parameters 9 --max-tokens 8 --max-seconds 7",
            Limits(uploads=True, max_parameters=9, max_tokens=8, max_seconds=7),
        ),
    ],
)
def test_the_options_set_what_a_visitor_may_do(limits, words, set_to):
    assert limits(words) == set_to


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--max-steps 300", "--max-steps came without --classroom, whose visitors it is about"),
        ("--no-training --max-prompt 9", "--max-prompt, --no-training came without --classroom"),
        (
            "--classroom --no-training --max-steps 9 --allow-uploads",
            "--max-steps, --allow-uploads came with --no-training, which leaves it nothing to",
        ),
    ],
)
def test_options_that_mean_nothing_together_are_refused_in_a_sentence(
    limits, capsys, words, sentence
):
    assert limits(words) == 1
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "", "٣", "1e6", "9" * 5000])
def test_a_number_that_is_none_is_refused_in_a_sentence(capsys, value):
    with pytest.raises(SystemExit, match="2"):
        main(["--classroom", f"--max-steps={value}"])
    told = capsys.readouterr().err.splitlines()[-1]
    assert "argument --max-steps: " in told
    assert told.endswith("it must be a whole number, 1 or more, as in: 2000")
    assert len(told) < 300


def test_a_class_that_nobody_can_come_to_is_told_so(limits, capsys):
    limits("--classroom")
    assert "--host 0.0.0.0 lets a class in" in capsys.readouterr().out
    limits("--classroom --host 0.0.0.0")
    limits("--classroom --allow-host school.example")
    assert not capsys.readouterr().out


def test_the_help_names_every_option_of_a_class_with_what_it_is_set_to(capsys):
    with pytest.raises(SystemExit):
        main(["app", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for words in ("--classroom", "--max-parameters N", "(1,000,000)", "--max-steps N", "(2,000)"):
        assert words in told
    for words in ("--max-tokens N", "--max-prompt N", "--max-seconds N", "--no-training"):
        assert words in told
    assert "--allow-uploads" in told
