"""Logging: `enable_logging`, and the one redactor for everything that is written down.

The loggers are the standard library's: `aiocloud`, `aiocloud.http` (every request and answer, at DEBUG),
`aiocloud.transport` (retries, limits), `aiocloud.config`, `aiocloud.auth` ... Nothing is configured until
`enable_logging` or the application's own logging set-up does it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from aiocloud._json import is_array, is_object

__all__ = [
    "MASK",
    "enable_logging",
    "escape",
    "redact_body",
    "redact_headers",
    "redact_json",
    "redact_text",
    "redact_url",
]

MASK = "***"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "cookie",
        "openstack-auth-receipt",
        "proxy-authorization",
        "set-cookie",
        "x-account-meta-temp-url-key",
        "x-account-meta-temp-url-key-2",
        "x-auth-key",
        "x-auth-receipt",
        "x-auth-token",
        "x-container-meta-temp-url-key",
        "x-container-meta-temp-url-key-2",
        "x-container-meta-web-directory-key",
        "x-service-token",
        "x-storage-token",
        "x-subject-token",
        "x-trans-token",
    }
)
_HIDDEN_PARAMETERS = (
    "temp_url_sig|temp_url_key|signature|x-amz-signature|token|access_token|refresh_token|id_token|client_secret|password|"
    "api_key|passcode|secret"
)
# Key names of JSON, in lower case and without punctuation, that hold a secret when their value is not an object.
_SECRET_KEYS = re.compile(
    r"pass(?:w|code|phrase|$)|secret(?!ref$|id$|s$|type$|name$)|privatekey|userdata$|token$|tokenid|apikey|accesskey"
    r"|^blob$|receipt$|^payload$|contents$|kubeconfig|signature$|^cookie|otp$|psk$|authkey$"
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_IN_TEXT = (
    # Fernet and JWS tokens, wherever they turn up.
    (re.compile(r"\bgAAAA[\w=%-]{20,}"), MASK),
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]+\.[\w-]+"), MASK),
    # A query parameter, also when it is itself quoted into another URL.
    (re.compile(rf"(?i)((?:^|[?&;\s]|%3f|%26)(?:{_HIDDEN_PARAMETERS})(?:=|%3d))[^&;\s\"'<>]+"), rf"\g<1>{MASK}"),
    # A user and password in front of a host.
    (re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*@"), f"{MASK}@"),
    # "password": "..." and X-Auth-Token: ...
    (
        re.compile(r"(?i)([\"'][\w-]*(?:passw\w*|secret|passcode|token)[\"']\s*:\s*)([\"'])(?:\\.|(?!\2).)*\2"),
        r'\1"***"',
    ),
    (
        re.compile(r"(?i)\b(x-(?:auth|subject|service|storage)-token|authorization|set-cookie)(:\s*)[^\r\n,}]+"),
        r"\1\2***",
    ),
)
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_LONGEST_RECORD = 16_384
_LONGEST_JSON = 262_144
_LONGEST_TEXT = 1_024


def escape(text: str, longest: int = _LONGEST_RECORD) -> str:
    """Text that stays on one line and can't steer a terminal: control characters escaped, no longer than `longest`."""
    cut = f"... ({len(text) - longest} characters more)" if len(text) > longest else ""
    return _UNSAFE.sub(_escaped, text[:longest]) + cut


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return {10: "\\n", 13: "\\r"}.get(code) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def redact_text(text: str) -> str:
    """Free text without the secrets that can be recognised in it: tokens, passwords in URLs, `"password": "..."`."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact_url(url: str) -> str:
    """A URL without signatures, tokens and passwords."""
    return redact_text(url)


def redact_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers whose secrets are masked."""
    return {name: MASK if _is_secret_header(name.lower()) else redact_text(value) for name, value in headers}


def _is_secret_header(name: str) -> bool:
    return name in _SECRET_HEADERS or name.endswith(("-token", "-key", "-secret", "-password"))


def redact_json(value: Any, key: str = "") -> Any:
    """JSON as Python values, secrets masked. `key` is the name that the value stands under."""
    if is_object(value):
        return {name: redact_json(inner, _place(key, str(name))) for name, inner in value.items()}
    if is_array(value):
        return [redact_json(inner, key) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_KEYS.search(key):
        return MASK
    return redact_text(value) if isinstance(value, str) else value


def _place(outer: str, name: str) -> str:
    # {"token": {"id": ...}}: the id of a token is the token.
    plain = _NOT_WORD.sub("", name.lower())
    return "tokenid" if plain == "id" and outer == "token" else plain


def redact_body(body: bytes, content_type: str) -> str:
    """A body as it may be logged: JSON with its secrets masked, the beginning of an error page, else only its size."""
    if not body:
        return ""
    size = f"<{len(body)} bytes of {escape(content_type, 80) or 'unknown type'}>"
    if "json" in content_type and len(body) <= _LONGEST_JSON:
        try:
            text = json.dumps(redact_json(json.loads(body)), ensure_ascii=False, separators=(",", ":"))
            # "\\ud800" is JSON, but half a character can't be written to a file: an application's handler would choke.
            return text.encode("utf-8", "backslashreplace").decode()
        except (ValueError, RecursionError):
            return size
    if content_type.startswith("text/"):
        return redact_text(body[:_LONGEST_TEXT].decode("utf-8", "replace"))
    return size


class _SafeFormatter(logging.Formatter):
    """One line a record, whatever is in it; a traceback's lines are marked as its own."""

    def format(self, record: logging.LogRecord) -> str:
        message = escape(redact_text(record.getMessage()))
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {message}"
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if record.stack_info:
            trace += "\n" + self.formatStack(record.stack_info)
        return "\n  | ".join([line, *(escape(redact_text(part)) for part in trace.split("\n") if part)])


def enable_logging(
    debug: bool = False, http_debug: bool = False, path: str | Path | None = None, stream: TextIO | None = None
) -> None:
    """Write what aiocloud does to `stream` (standard error by default), to the file `path`, or to both.

    Warnings and what the user should know are always written; `debug` adds each step, `http_debug` every request and
    answer, with secrets masked. Calling it again replaces what the last call set up. Other libraries' logging is left
    alone.
    """
    logger = logging.getLogger("aiocloud")
    for old in [handler for handler in logger.handlers if isinstance(handler.formatter, _SafeFormatter)]:
        logger.removeHandler(old)
        old.close()
    handlers: list[logging.Handler] = []
    if path is not None:
        handlers.append(logging.FileHandler(path, encoding="utf-8", errors="backslashreplace"))
    if stream is not None or path is None:
        handlers.append(logging.StreamHandler(stream or sys.stderr))
    for handler in handlers:
        handler.setFormatter(_SafeFormatter())
        logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logging.getLogger("aiocloud.http").setLevel(logging.DEBUG if http_debug else logging.INFO)
