from __future__ import annotations

import pytest

from backoffice.phones import canonical, same_phone


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5583991110001", "5583991110001"),
        ("558391110001", "5583991110001"),  # WhatsApp without the ninth digit
        ("5583991110001@c.us", "5583991110001"),
        ("+55 (83) 99111-0001", "5583991110001"),
        ("083 99111 0001", "5583991110001"),
        ("0 15 83 99111-0001", "5583991110001"),
        ("(83) 3221-4567", "558332214567"),  # a landline keeps its eight digits
        ("99111-0001", "991110001"),
        ("+1 415 555 2671", "14155552671"),
        ("351912345678", "351912345678"),  # Portugal, as WhatsApp names it
        ("5583991110001000000", None),
        ("138412345678901@lid", None),
        ("oi", None),
        ("", None),
        ("83", None),
    ],
)
def test_one_form_for_every_way_of_writing(text: str, number: str | None) -> None:
    assert canonical(text) == number


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("558391110001", "5583991110001", True),
        ("83 99111-0001", "5583991110001", True),
        ("9111-0001", "5583991110001", True),
        ("5581991110001", "5583991110001", False),
        ("5583991110002", "5583991110001", False),
        ("oi", "oi", False),
    ],
)
def test_the_same_phone(a: str, b: str, same: bool) -> None:
    assert same_phone(a, b) is same
    assert same_phone(b, a) is same
