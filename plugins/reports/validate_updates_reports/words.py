"""Numbers and times as reports say them."""

from __future__ import annotations

from datetime import datetime


def number(value: float) -> str:
    """``1,250``, ``4.1``."""
    short = round(value, 1)
    return f"{short:,.0f}" if short == round(short) else f"{short:,.1f}"


def counted(value: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def percent(part: int, whole: int) -> str:
    """``95.5 %``; nothing of nothing."""
    return f"{part / whole * 100:.1f} %" if whole else ""


def time(moment: datetime) -> str:
    """``2024-05-01 06:00``."""
    return f"{moment:%Y-%m-%d %H:%M}"
