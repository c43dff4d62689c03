import pytest

from gptviz.tokenizers import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" love", "·love"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("a  b", "a··b"),
        ("안녕", "안녕"),
        ("🐱", "🐱"),
    ],
)
def test_characters_and_the_gaps_between_them_are_shown(text, shown):
    assert visible(text.encode()) == shown


@pytest.mark.parametrize(
    "character",
    [
        *("\x00", "\r", "\x1b", "\x7f", "\x85"),  # control characters
        *("\xa0", "\u2003", "\u2028", "\u3000"),  # other spaces and separators
        *("\u200b", "\u200d", "\ufeff", "\xad"),  # no width
        *("\u202e", "\u2066"),  # changes of direction
        *("\u3164", "\ufe0f", "\u034f", "\u2800"),  # no ink under another name
        *("\ue000", "\u0378", "\U000e0041"),  # private, unassigned, tag
        *("\ufffd", "\ufffc"),  # stand-ins
    ],
)
def test_a_character_without_ink_is_shown_by_its_code_point(character):
    assert visible(character.encode()) == f"⟨U+{ord(character):04X}⟩"


def test_a_part_of_a_character_is_shown_as_its_bytes():
    assert visible("안".encode()[:2]) == "⟨EC 95⟩"
    assert visible("안".encode()[2:]) == "⟨88⟩"


def test_whole_characters_beside_a_part_of_one_stay_characters():
    assert visible(b" a" + "안".encode()[:2]) == "·a⟨EC 95⟩"
    assert visible("안".encode()[2:] + "녕\n".encode()) == "⟨88⟩녕⏎"


def test_a_combining_mark_is_carried_by_a_letter_or_by_a_dotted_circle():
    assert visible("e\u0301".encode()) == "e\u0301"
    assert visible("\u0301".encode()) == "◌\u0301"
    assert visible(" \u0301\u0302".encode()) == "·◌\u0301\u0302"


def test_a_sign_of_this_notation_is_not_taken_for_what_it_stands_for():
    assert visible("·".encode()) == "⟨U+00B7⟩"
    assert visible("⏎⇥⟨◌".encode()) == "⟨U+23CE⟩⟨U+21E5⟩⟨U+27E8⟩⟨U+25CC⟩"


def test_a_token_of_no_bytes_is_still_shown():
    assert visible(b"") == "⟨empty⟩"
