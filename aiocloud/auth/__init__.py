"""Logging in: tokens, every login, and where tokens rest between processes."""

from __future__ import annotations
