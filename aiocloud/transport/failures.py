"""What the HTTP library raises, in aiocloud's words. Pure."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar, cast

from aiocloud._http import httpx
from aiocloud.errors import Timeout, TransportError
from aiocloud.log import escape, redact_url
from aiocloud.transport.call import Call
from aiocloud.transport.policy import Outcome
from aiocloud.transport.wire import Wire

__all__ = ["NEVER_LEFT", "of_error", "out_of_time", "translate"]

E = TypeVar("E", Timeout, TransportError)

_NEVER_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NEVER_LEFT = (*_NEVER_CONNECTED, httpx.UnsupportedProtocol)
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


def of_error(error: httpx.RequestError, wire: Wire) -> Outcome:
    """How an attempt that raised ended."""
    if isinstance(error, _HOPELESS) or _tls_refusal(error) is not None:
        return Outcome.FINAL
    if isinstance(error, _NEVER_CONNECTED):
        return Outcome.FINAL if _unknown_name(error) else Outcome.UNSENT
    return Outcome.AMBIGUOUS if wire.sent else Outcome.UNSENT


def translate(error: Exception, request: httpx.Request, call: Call, *, sent: bool) -> TransportError | Timeout:
    """The CloudError for something that went wrong on the way; `sent`: the service may have the request."""
    told = f"{_asked(request)}: {_what(error)}"
    if isinstance(error, httpx.RequestError):
        vars(error)["_request"] = None  # It stays the cause, and shows no URL with a signature or token in it.
    if isinstance(error, httpx.TimeoutException):
        return _place(Timeout(told), request, call, sent)
    return _place(TransportError(told), request, call, sent)


def out_of_time(request: httpx.Request, call: Call, seconds: float, *, sent: bool, why: str = "") -> Timeout:
    """The Timeout of a call whose deadline has passed, or would pass while it waits."""
    told = f"{_asked(request)}: {why or f'not done within {seconds:.3g} s'}"
    return _place(Timeout(told), request, call, sent)


def _place(error: E, request: httpx.Request, call: Call, sent: bool) -> E:
    error.at(call.cloud, call.region, call.service)
    error.method = request.method
    error.url = redact_url(str(request.url))
    error.sent = sent
    return error


def _asked(request: httpx.Request) -> str:
    url = request.url
    return f"{request.method} {url.scheme}://{url.netloc.decode('ascii')}{escape(url.path, 200)}"


def _what(error: Exception) -> str:
    """The failure in words, from its deepest known cause."""
    refusal = _tls_refusal(error)
    if refusal is not None:
        return f"the TLS connection was refused: {_reason(refusal)}"
    if isinstance(error, httpx.TimeoutException):
        return _TIMEOUTS.get(type(error), "took too long")
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return f"the name could not be looked up: {escape(cause.strerror or str(cause), 200)}"
        if isinstance(cause, OSError) and cause.errno in _ERRNO:
            return _ERRNO[cause.errno]
    if isinstance(error, httpx.ConnectError):
        return "no connection" + _said(error)
    if isinstance(error, httpx.DecodingError):
        return "the answer's compressed body is damaged" + _said(error)
    return "the connection broke" + _said(error)


_TIMEOUTS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "no free connection in time",
    httpx.ReadTimeout: "the answer did not come in time",
    httpx.WriteTimeout: "the request could not be sent in time",
}
_ERRNO = {
    errno.ECONNREFUSED: "the connection was refused",
    errno.ECONNRESET: "the connection was reset",
    errno.EPIPE: "the connection was reset",
    errno.EHOSTUNREACH: "the host can't be reached",
    errno.ENETUNREACH: "the network can't be reached",
    errno.EMFILE: "this process has too many open files",
}


def _said(error: Exception) -> str:
    return f": {escape(str(error), 200)}" if str(error) else ""


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return escape(error.verify_message or str(error), 200)
    return escape((error.reason or str(error)).replace("_", " ").lower(), 200)


def _tls_refusal(error: BaseException) -> ssl.SSLError | None:
    """The TLS error behind a failure when one side refused the other; a connection merely cut is not one."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _CUT) and cause.reason not in _CUT_REASONS:
            return cause
    return None


_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_CUT_REASONS = ("UNEXPECTED_EOF_WHILE_READING", "APPLICATION_DATA_AFTER_CLOSE_NOTIFY", None)


def _unknown_name(error: BaseException) -> bool:
    return any(isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and everything behind it, groups opened."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", cause).exceptions
        waiting += [behind for behind in (cause.__cause__, cause.__context__) if behind is not None]
