"""SQL expressions as the owner of the settings writes them: one, whole, and nothing beside it."""

from __future__ import annotations

import re
from typing import Final

_TOKENS: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--|/\*|\$\w*\$|[()\[\];'"]|[^\W\d]\w*|.""", re.DOTALL)
_OPENS: Final = {"(": ")", "[": "]"}
_REFUSED: Final = {
    ";": "a semicolon: write one expression",
    "--": "a comment",
    "/*": "a comment",
    "'": "a quote that is not closed",
    '"': "a quote that is not closed",
}


def problem_of(sql: str) -> str:
    """Why a text cannot be one expression inside of parentheses; empty where it can, as far as its outside tells."""
    closing: list[str] = []
    for token in _TOKENS.findall(sql):
        if token in _REFUSED:
            return f"it holds {_REFUSED[token]}"
        if re.fullmatch(r"\$\w*\$", token):
            return "it holds a dollar quote: use '…'"
        if token in _OPENS:
            closing.append(_OPENS[token])
        elif token in {")", "]"} and (not closing or closing.pop() != token):
            return f"it closes a {token} that it has not opened"
    if closing:
        return f"it does not close {closing[-1]}"
    return "" if sql.strip() else "it is empty"


def names_in(sql: str) -> frozenset[str]:
    """Words in it that may be names, in lower case: plain words, and what is in double quotes."""
    words = (token for token in _TOKENS.findall(sql) if re.match(r'[^\W\d]|"', token))
    return frozenset(word.strip('"').replace('""', '"').lower() for word in words)
