from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validate_updates import names_like

TEXTS = st.text("ab.*?[]!^\\\n|", max_size=6)


@given(patterns=st.lists(TEXTS, max_size=3), name=TEXTS)
def test_a_star_is_any_text_and_a_question_mark_a_character(patterns: list[str], name: str) -> None:
    expected = any(fnmatchcase(name, one.replace("[", "[[]")) for one in patterns)

    assert names_like(patterns)(name) is expected


@pytest.mark.parametrize(("patterns", "name", "fits"), [([], "", False), ([""], "", True), (["a|b"], "a", False)])
def test_the_edges(patterns: list[str], name: str, fits: bool) -> None:
    assert names_like(iter(patterns))(name) is fits
