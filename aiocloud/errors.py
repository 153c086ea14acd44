"""Everything that aiocloud raises.

    CloudError                      all of it; `except CloudError` is enough
    ├── ConfigError                 clouds.yaml, a profile, a variable or an argument is wrong: nothing was sent
    ├── AuthError                   the cloud did not let us in
    ├── TransportError              no usable answer came back: DNS, connection, TLS, broken HTTP
    ├── Timeout                     a deadline passed (also a builtin TimeoutError)
    ├── NormalizationError          an answer was not what the API promises
    ├── Ambiguous                   one name, several things
    ├── InvalidRequest              refused by us before anything was sent
    ├── Unsupported                 this cloud has no such service, extension or microversion
    ├── ResourceFailed              a thing that was waited for ended in an error state
    ├── NoPublicAddress             no way to a public address
    ├── ChecksumMismatch            bytes arrived that are not the bytes that were sent
    └── HTTPError                   a service said no (also an httpx.HTTPStatusError)
        ├── BadRequest          400
        ├── Unauthorized        401
        │   └── MoreFactorsNeeded   the login needs another method too
        ├── Forbidden           403
        ├── NotFound            404
        ├── Conflict            409
        ├── PreconditionFailed  412
        ├── TooLarge            413
        ├── RateLimited         429
        └── ServiceFailed       5xx

Each error carries facts as attributes beside its sentence: `cloud`, `region`, `service`, `method`, `url`,
`status_code`, `request_id`, `response`; a fact that is not known is None. `leftovers` names what a failed
operation could not take away again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from aiocloud._http import httpx

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = [
    "Ambiguous",
    "AuthError",
    "BadRequest",
    "ChecksumMismatch",
    "CloudError",
    "ConfigError",
    "Conflict",
    "Forbidden",
    "HTTPError",
    "InvalidRequest",
    "Leftover",
    "MoreFactorsNeeded",
    "NoPublicAddress",
    "NormalizationError",
    "NotFound",
    "OpenStackCloudBadRequest",
    "OpenStackCloudException",
    "OpenStackCloudHTTPError",
    "OpenStackCloudURINotFound",
    "PreconditionFailed",
    "RateLimited",
    "ResourceFailed",
    "ServiceFailed",
    "Timeout",
    "TooLarge",
    "TransportError",
    "Unauthorized",
    "Unsupported",
    "error_for_status",
]


_STAY_HERE = frozenset({"_request", "response", "receipt"})


@dataclasses.dataclass(frozen=True)
class Leftover:
    """Something that a failed or cancelled operation made and could not remove."""

    kind: str
    id: str
    name: str | None = None
    why: str | None = None

    def __str__(self) -> str:
        name = f" ({self.name})" if self.name else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.kind} {self.id}{name}{why}"


def _again(kind: type[CloudError], *args: Any) -> CloudError:
    """A pickled error before its facts; not by its own constructor, which wants the answer."""
    return kind.__new__(kind, *args)


class CloudError(Exception):
    """The base of every error that aiocloud raises."""

    def __init__(
        self,
        message: str,
        *,
        cloud: str | None = None,
        region: str | None = None,
        service: str | None = None,
        method: str | None = None,
        url: str | None = None,
        status_code: int | None = None,
        request_id: str | None = None,
    ) -> None:
        Exception.__init__(self, message)  # not super(): an HTTPError has httpx's own __init__ after this one
        self.message = message
        self.cloud = cloud
        self.region = region
        self.service = service
        self.method = method
        self.url = url
        self.status_code = status_code
        self.request_id = request_id
        self.leftovers: tuple[Leftover, ...] = ()

    @property
    def where(self) -> str:
        """The cloud and region, as errors and tables spell them: `my-vexxhost ca-ymq-1`."""
        return " ".join(part for part in (self.cloud, self.region) if part)

    def for_another(self) -> Self:
        """The same error as an object of its own: each task that raises it adds its traceback, its place, its leftovers."""
        copy = type(self).__new__(type(self), *self.args)
        copy.__dict__.update(self.__dict__)
        copy.__cause__ = self.__cause__
        return copy

    def at(self, cloud: str | None, region: str | None, service: str | None = None) -> CloudError:
        """The same error, its place filled in where it was not known yet."""
        self.cloud = self.cloud or cloud
        self.region = self.region or region
        self.service = self.service or service
        return self

    def leaving(self, leftovers: Iterable[Leftover]) -> CloudError:
        """The same error, naming what is left behind."""
        self.leftovers = (*self.leftovers, *leftovers)
        return self

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        left = f" (left behind: {'; '.join(map(str, self.leftovers))})" if self.leftovers else ""
        return f"{where}{self.message}{left}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle keeps the facts, not the request and its answer: tokens and passwords are in them."""
        kept = {name: value for name, value in vars(self).items() if name not in _STAY_HERE}
        return _again, (type(self), *self.args), kept


class ConfigError(CloudError):
    """Configuration is wrong; `file`, `line`, `column` (from 1) and `key` (a dotted path) say where."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
        cloud: str | None = None,
        region: str | None = None,
    ) -> None:
        super().__init__(message, cloud=cloud, region=region)
        self.file = file
        self.line = line
        self.column = column
        self.key = key

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        where = " ".join(part for part in (spot, self.key) if part)
        return f"{where}: {super().__str__()}" if where else super().__str__()


class AuthError(CloudError):
    """The cloud did not accept the login, or there is no way to log in."""


class TransportError(CloudError):
    """No usable answer: name lookup, connection, TLS or HTTP itself failed. `sent` is False when nothing went out."""

    sent: bool = True


class Timeout(CloudError, TimeoutError):
    """A deadline passed before the call or the operation ended. `sent` is False when nothing went out."""

    sent: bool = True


class NormalizationError(CloudError):
    """A service's answer does not have the shape that its API promises."""


class Ambiguous(CloudError):
    """More than one thing matches a name; the message lists their ids."""


class InvalidRequest(CloudError, ValueError):
    """What was asked for can't be right, and was not sent."""


class Unsupported(CloudError):
    """The cloud or region lacks the service, extension or microversion that was asked for."""


class ResourceFailed(CloudError):
    """A resource that was waited for ended in an error state; `resource` is its last state."""

    resource: object = None


class NoPublicAddress(CloudError):
    """A server can't get a public address here; the message says why."""


class ChecksumMismatch(CloudError):
    """The bytes stored or received differ from those sent."""


class HTTPError(CloudError, httpx.HTTPStatusError):
    """A service answered with an error status; `response` is its answer, None where the error came from another process."""

    if not TYPE_CHECKING:
        _request = response = None

    def __init__(
        self,
        message: str,
        *,
        response: httpx.Response | None = None,
        cloud: str | None = None,
        region: str | None = None,
        service: str | None = None,
        request_id: str | None = None,
    ) -> None:
        CloudError.__init__(self, message, cloud=cloud, region=region, service=service, request_id=request_id)
        if response is None:
            return  # a job queue makes the error that its worker had of the message alone
        self.request = response.request
        self.response = response
        self.method = self.request.method
        self.url = str(self.request.url)
        self.status_code = response.status_code


class BadRequest(HTTPError):
    """400: the service did not understand, or refused a value."""


class Unauthorized(HTTPError, AuthError):
    """401: the token or the login was refused."""


class MoreFactorsNeeded(Unauthorized):
    """401: the login was right so far, and needs more. `receipt` lets the next one go on; `required` lists the ways."""

    receipt: SecretStr | None = None
    required: tuple[tuple[str, ...], ...] = ()


class Forbidden(HTTPError):
    """403: not allowed for this user, or over quota."""


class NotFound(HTTPError):
    """404: there is no such thing, or this user may not see it."""


class Conflict(HTTPError):
    """409: it clashes with the thing's present state."""


class PreconditionFailed(HTTPError):
    """412: it has changed since it was read."""


class TooLarge(HTTPError):
    """413: larger than allowed; also Cinder's way to say over quota."""


class RateLimited(HTTPError):
    """429: too many requests, and the wait asked for is longer than we may wait. `retry_after` is in seconds."""

    retry_after: float | None = None


class ServiceFailed(HTTPError):
    """5xx: the service itself failed."""


_BY_STATUS: dict[int, type[HTTPError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    429: RateLimited,
}


def error_for_status(status: int) -> type[HTTPError]:
    """The class for an error status: one of its own for the common ones, ServiceFailed for 5xx, else HTTPError."""
    return _BY_STATUS.get(status, ServiceFailed if status >= 500 else HTTPError)


# The talk's names.
OpenStackCloudException = CloudError
OpenStackCloudHTTPError = HTTPError
OpenStackCloudURINotFound = NotFound
OpenStackCloudBadRequest = BadRequest
