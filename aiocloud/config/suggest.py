"""What somebody probably meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that somebody probably meant, or None."""
    spelled = {one.lower(): one for one in known}
    for one in spelled:
        if len(one) == len(word) and sorted(one) == sorted(word.lower()):
            return spelled[one]
    import difflib  # no config with all words spelled right needs it

    near = difflib.get_close_matches(word.lower(), spelled, 1, 0.8)
    return spelled[near[0]] if near else None
