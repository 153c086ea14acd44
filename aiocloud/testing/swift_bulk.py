"""Many objects of swift in one request: delete them, or unpack an archive; and how such requests are summed up.

API: https://docs.openstack.org/swift/latest/middleware.html#bulk-operations-delete-and-archive-auto-extraction
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from anyio.to_thread import run_sync

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.swift_store import Blob
from aiocloud.testing.swift_text import WORDS

if TYPE_CHECKING:
    from aiocloud.testing.swift import Swift

ARCHIVES = ("tar", "tar.gz", "tar.bz2")
MALFORMED = "The server could not comply with the request since it is either malformed or otherwise incorrect."


def wants_json(req: Req) -> bool:
    """Whether the summary should be JSON rather than lines of text."""
    return "json" in req.headers.get("accept", "") or req.get("format") == "json"


class Summary:
    """What was done, as these requests answer: status 200, the truth in the body."""

    def __init__(self, as_json: bool, *, heartbeat: bool = False) -> None:
        self.as_json = as_json
        self.heartbeat = heartbeat
        self.deleted = 0
        self.missing = 0
        self.errors: list[tuple[str, str]] = []

    def delete(self, swift: Swift, account: str, path: str) -> None:
        """Delete one object or empty container, and count it."""
        container, slash, name = path.lstrip("/").partition("/")
        box = swift.account(account).containers.get(container)
        obj = swift.lookup(account, container, name)
        if box is None or (slash and obj is None):
            self.missing += 1
            if box is not None:
                box.discard(name)  # it may have expired
                swift.objects.note_deletion(account, box, name)
        elif obj is not None:
            swift.objects.remove(Req("DELETE", "", {}, args={"account": account, "container": container}), box, obj)
            self.deleted += 1
        elif box.objects or box.versions:
            self.errors.append((quote("/" + container), "409 Conflict"))
        else:
            del swift.account(account).containers[container]
            self.deleted += 1

    def reply(self, status: str | None = None, body: str = "") -> Reply:
        """The summary of deletions."""
        status = status or ("400 Bad Request" if self.errors else "200 OK")
        facts: dict[str, Any] = {"Response Status": status, "Response Body": body}
        facts |= {"Number Deleted": self.deleted, "Number Not Found": self.missing}
        return self.written(facts)

    def written(self, facts: dict[str, Any], http_status: int = 200) -> Reply:
        """Facts and errors as JSON or as lines."""
        if self.as_json:
            return Reply.json({**facts, "Errors": self.errors}, http_status)
        lines = [f"{name}: {value}" for name, value in sorted(facts.items())]
        lines += ["Errors:", *(f"{path}, {words}" for path, words in self.errors)]
        lead = " \r\n\r\n" if self.heartbeat else ""
        return Reply.text(lead + "\n".join(lines) + "\n", http_status, "text/plain")

    def refused(self, problems: list[tuple[str, str]]) -> Reply:
        """The answer for a manifest with wrong segments."""
        self.errors = problems
        if self.heartbeat:
            body = f"Bad Request\n{MALFORMED}"
            return self.written({"Response Status": "400 Bad Request", "Response Body": body}, 202)
        if self.as_json:
            return Reply.json({"Errors": problems}, 400)
        lines = ["Errors:", *(f"{path}, {words}" for path, words in problems)]
        return Reply.text("\n".join(lines) + "\n", 400, "text/plain")

    def stored(self, etag: str, modified: str) -> Reply:
        """The answer for a manifest whose client asked for a heartbeat."""
        facts = {"Response Status": "201 Created", "Response Body": "", "Etag": etag, "Last Modified": modified}
        return self.written(facts, 202)


async def bulk_delete(swift: Swift, req: Req) -> Reply:
    """POST ?bulk-delete with one percent-encoded path a line. Ceph's gateway stops at one that is longer than its buffer."""
    summary = Summary(wants_json(req))
    lines = [line.strip() for line in (await req.body()).decode().splitlines() if line.strip()]
    if len(lines) > swift.max_deletes:
        return summary.reply("413 Request Entity Too Large", f"Maximum Bulk Deletes: {swift.max_deletes} per request")
    if not lines:
        return summary.reply("400 Bad Request", "Invalid bulk delete.")
    for line in takewhile(lambda line: len(line) < 2048, lines) if swift.as_ceph else lines:
        summary.delete(swift, req.args["account"], unquote(line))
    return summary.reply()


async def extract_archive(swift: Swift, req: Req) -> Reply:
    """PUT ?extract-archive=tar, tar.gz or tar.bz2: every file becomes an object."""
    kind = req.get("extract-archive") or ""
    if kind not in ARCHIVES:
        raise Fail(400, "Unsupported archive format", "plain")
    summary = Summary(wants_json(req))
    try:
        files = await run_sync(unpack, await req.body(), kind)
    except (tarfile.TarError, EOFError) as error:
        facts = {"Response Status": "400 Bad Request", "Response Body": f"Invalid Tar File: {error}"}
        return summary.written({**facts, "Number Files Created": 0})
    prefix = "/".join(part for part in (req.args.get("container"), req.args.get("object")) if part)
    kept = {name: value for name, value in req.headers.items() if name.startswith("x-object-meta-")}
    created = 0
    for path, data in files:
        path = path.removeprefix("./").lstrip("/")
        container, _slash, name = "/".join(part for part in (prefix, path) if part).partition("/")
        if not name:
            continue  # as swift does, without a word
        try:
            store(
                swift,
                Req("PUT", "", kept, args={**req.args, "container": container, "object": name}, who=req.who),
                data,
            )
        except Fail as fail:
            summary.errors.append((quote(f"{container}/{name}"), f"{fail.status} {WORDS[fail.status][0]}"))
        else:
            created += 1
    status = "201 Created" if created and not summary.errors else "400 Bad Request"
    facts = {"Response Status": status, "Response Body": "" if files else "Invalid Tar File: No Valid Files"}
    return summary.written({**facts, "Number Files Created": created})


def store(swift: Swift, req: Req, data: bytes) -> None:
    """One file of an archive, in a container that is made when it is missing; a `Fail` when it can't be stored."""
    swift.make_container(req.args["account"], req.args["container"])
    swift.objects.check_preconditions(req)
    swift.objects.store(req, swift.objects.fresh(req, Blob.of(data)))


def unpack(data: bytes, kind: str) -> list[tuple[str, bytes]]:
    """The files of an archive; `tarfile.TarError` when it is none."""
    found: list[tuple[str, bytes]] = []
    modes: dict[str, Callable[..., tarfile.TarFile]] = {
        "tar": tarfile.TarFile.taropen,
        "tar.gz": tarfile.TarFile.gzopen,
        "tar.bz2": tarfile.TarFile.bz2open,
    }
    with modes[kind](None, "r", io.BytesIO(data)) as archive:
        for member in archive:
            source = archive.extractfile(member) if member.isfile() else None
            if source is not None:
                found.append((member.name, source.read()))
    return found
