"""GET, PUT and DELETE of servers: lists with nova's filters, order and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiocloud.testing.http import Fail, Reply, Req
from aiocloud.testing.nova_server import STATES, Server, brief, describe, detailed, updated_view

if TYPE_CHECKING:
    from aiocloud.testing.nova import Nova

PAGING = {"limit", "marker", "sort_key", "sort_dir"}
FILTERS = {
    *("name", "status", "flavor", "image", "ip", "ip6", "changes-since", "changes-before", "uuid", "host"),
    *("tags", "tags-any", "not-tags", "not-tags-any", "all_tenants", "project_id", "tenant_id", "user_id"),
    *("key_name", "availability_zone", "locked", "vm_state", "task_state", "power_state", "description"),
    *("config_drive", "created_at", "deleted", "reservation_id", "hostname", "access_ip_v4", "access_ip_v6"),
    *("launched_at", "terminated_at", "launch_index", "root_device_name", "progress", "node", "soft_deleted"),
}
SORT_KEYS: dict[str, Callable[[Server], Any]] = {
    "created_at": lambda server: server.created,
    "updated_at": lambda server: server.updated,
    "display_name": lambda server: server.name,
    "uuid": lambda server: server.id,
    "vm_state": lambda server: server.vm_state,
    "task_state": lambda server: server.task_state or "",
    "user_id": lambda server: server.user_id,
    "project_id": lambda server: server.project_id,
    "key_name": lambda server: server.key_name or "",
    "host": lambda server: server.id,
}
FIELDS: dict[str, Callable[[Server], Any]] = {
    "uuid": lambda server: server.id,
    "flavor": lambda server: server.flavor["id"],
    "image": lambda server: server.image["id"] if server.image else "",
    "user_id": lambda server: server.user_id,
    "project_id": lambda server: server.project_id,
    "tenant_id": lambda server: server.project_id,
    "key_name": lambda server: server.key_name,
    "availability_zone": lambda server: server.zone,
    "vm_state": lambda server: server.vm_state,
    "task_state": lambda server: server.task_state,
    "power_state": lambda server: str(STATES[server.status][1]),
    "reservation_id": lambda server: server.reservation,
    "locked": lambda server: server.locked,
}
PATTERNS: dict[str, Callable[[Server], str]] = {
    "name": lambda server: server.name,
    "description": lambda server: server.description or "",
    "hostname": lambda server: server.hostname,
}
TAGS: dict[str, Callable[[set[str], set[str]], bool]] = {
    "tags": lambda wanted, tags: wanted <= tags,
    "tags-any": lambda wanted, tags: bool(wanted & tags),
    "not-tags": lambda wanted, tags: not wanted <= tags,
    "not-tags-any": lambda wanted, tags: not wanted & tags,
}
Test = Callable[[Server], bool]


class Servers:
    """Looking at servers, renaming and deleting them."""

    def __init__(self, nova: Nova) -> None:
        self.nova = nova
        add = nova.routes.add
        add("GET", "/v2.1/servers", self.index)
        add("GET", "/v2.1/servers/detail", self.detail)
        add("GET", "/v2.1/servers/{id}", self.show)
        add("PUT", "/v2.1/servers/{id}", self.update)
        add("DELETE", "/v2.1/servers/{id}", self.delete)

    async def index(self, req: Req) -> Reply:
        """GET /servers."""
        return self._reply(req, lambda server: json.dumps(brief(server, req)))

    async def detail(self, req: Req) -> Reply:
        """GET /servers/detail."""
        return self._reply(req, lambda server: detailed(self.nova, server, req))

    def _reply(self, req: Req, write: Callable[[Server], str]) -> Reply:
        servers, next_query = self._page(req)
        text = f'{{"servers": [{", ".join(map(write, servers))}]'
        if next_query:
            links = [{"rel": "next", "href": f"{req.path_url}?{next_query}"}]
            text += f', "servers_links": {json.dumps(links)}'
        return Reply(200, (text + "}").encode(), {"content-type": "application/json"})

    def _page(self, req: Req) -> tuple[list[Server], str | None]:
        limit = req.get("limit")
        if limit is not None and not limit.isdigit():
            message = f"Invalid input for query parameters limit. Value: {limit}. '{limit}' does not match '^[0-9]*$'"
            raise Fail(400, message)
        page_size = self.nova.region.knobs.page_size
        size = min(int(limit), page_size) if limit is not None else page_size
        found = self._sorted(req, self._wanted(req))
        marker, start = req.get("marker"), 0
        if marker:
            start = 1 + next((i for i, server in enumerate(found) if server.id == marker), -2)
            if start < 0:
                raise Fail(400, f"marker [{marker}] not found")
        chunk = found[start : start + size]
        # Nova offers a next page whenever this one is full, even if nothing follows.
        if not chunk or len(chunk) < size:
            return chunk, None
        pairs = [(name, value) for name, value in req.query if name != "marker"]
        return chunk, urlencode([*pairs, ("marker", chunk[-1].id)])

    def _sorted(self, req: Req, servers: Iterable[Server]) -> list[Server]:
        keys, directions = req.all("sort_key"), req.all("sort_dir")
        found = list(servers)
        found.reverse()
        for position, key in reversed(list(enumerate(keys))):
            if key not in SORT_KEYS:
                raise Fail(400, f"Invalid input for query parameters sort_key. Value: {key}.")
            direction = directions[position] if position < len(directions) else "desc"
            found.sort(key=SORT_KEYS[key], reverse=direction == "desc")
        return found

    def _wanted(self, req: Req) -> Iterable[Server]:
        """The servers a query names, oldest first."""
        for name, _ in req.query:
            if req.version >= (2, 75) and name not in FILTERS | PAGING and not name.startswith("_"):
                raise Fail(400, f"'{name}' does not match any of the regexes: '^_'")
        everywhere = req.flag("all_tenants")
        if everywhere and not req.is_admin:
            kind = "detail" if req.path.endswith("detail") else "index"
            self.nova.allow(req, f"os_compute_api:servers:{kind}:get_all_tenants")
        gone = (req.is_admin and req.flag("deleted")) or req.get("changes-since") is not None
        servers: Iterable[Server] = self.nova.servers.values()
        if gone:
            both = [*self.nova.deleted.values(), *servers]
            servers = sorted(both, key=lambda server: server.created)
            if req.flag("deleted"):
                servers = list(self.nova.deleted.values())
        tests = self._tests(req)
        if not everywhere:
            tests.append(lambda server: server.project_id == req.project_id)
        return [server for server in servers if all(test(server) for test in tests)]

    def _tests(self, req: Req) -> list[Test]:
        tests: list[Test] = []
        statuses = {status.upper() for status in req.all("status")}
        if statuses:
            known = statuses & STATES.keys()
            if not known:
                raise Fail(400, "Invalid status value")
            tests.append(lambda server: server.status in known)
        for name in {name for name, _ in req.query}:
            test = self._test(req, name, req.get(name) or "")
            if test is not None:
                tests.append(test)
        return tests

    def _test(self, req: Req, name: str, value: str) -> Test | None:
        if name in PATTERNS:
            pattern, read = _regex(value), PATTERNS[name]
            return lambda server: pattern.search(read(server)) is not None
        if name in TAGS and req.version >= (2, 26):
            wanted, fits = set(value.split(",")), TAGS[name]
            return lambda server: fits(wanted, set(server.tags))
        if name in {"ip", "ip6"}:
            pattern, version = _regex(value), 6 if name == "ip6" else 4
            return lambda server: any(pattern.search(address) for address in self._addresses(server, version))
        if name == "changes-since":
            since = _time(value, name)
            return lambda server: server.updated >= since
        if name == "changes-before":
            before = _time(value, name)
            return lambda server: server.updated <= before
        if name == "locked":
            locked = value.lower() in {"true", "1", "t", "yes", "on", "y"}
            return lambda server: server.locked == locked
        if name in FIELDS and not (name in {"project_id", "tenant_id"} and not req.is_admin):
            read_field = FIELDS[name]
            return lambda server: read_field(server) == value
        return None

    def _addresses(self, server: Server, version: int) -> list[str]:
        ports = self.nova.region.neutron.ports_of(server.id)
        addresses = [one["ip_address"] for port in ports for one in port["fixed_ips"]]
        return [address for address in addresses if (":" in address) == (version == 6)]

    async def show(self, req: Req) -> Reply:
        """GET /servers/{id}."""
        return Reply.json({"server": describe(self.nova, self.nova.find(req), req)})

    async def update(self, req: Req) -> Reply:
        """PUT /servers/{id}: name, description, hostname and the access addresses."""
        server, changes = self.nova.find(req), await req.member("server")
        allowed = {"name", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig"}
        allowed |= {"description"} if req.version >= (2, 19) else set()
        allowed |= {"hostname"} if req.version >= (2, 90) else set()
        unknown = [name for name in changes if name not in allowed]
        if unknown:
            names = f"Additional properties are not allowed ('{unknown[0]}' was unexpected)"
            raise Fail(400, f"Invalid input for field/attribute server. Value: {changes}. {names}")
        server.name = changes.get("name", server.name)
        server.description = changes.get("description", server.description)
        server.hostname = changes.get("hostname", server.hostname)
        server.access = changes.get("accessIPv4", server.access[0]), changes.get("accessIPv6", server.access[1])
        server.changed(self.nova.region.clock.now())
        return Reply.json({"server": updated_view(self.nova, server, req)})

    async def delete(self, req: Req) -> Reply:
        """DELETE /servers/{id}: it is gone after `knobs.work_time`, but not before the volumes that Nova makes for it."""
        server = self.nova.find(req)
        self.nova.actions.check_lock(req, server)
        self.remove(server)
        return Reply(204, b"", {"content-type": "application/json"})

    def remove(self, server: Server) -> None:
        """Delete a server, its ports and its volumes' attachments."""
        region = self.nova.region
        server.task_state = "deleting"
        server.changed(region.clock.now())
        seconds = max(region.knobs.work_time, server.mapped - region.clock.now())
        region.later(seconds, lambda: self._gone(server))

    def _gone(self, server: Server) -> None:
        nova, now = self.nova, self.nova.region.clock.now()
        if nova.servers.pop(server.id, None) is None:
            return
        nova.region.neutron.delete_ports_of(server.id, server.brought_ports)
        for attachment in list(server.volumes):
            nova.region.cinder.detach(attachment["volumeId"], server.id)
            if attachment["delete_on_termination"]:
                nova.region.cinder.volumes.pop(attachment["volumeId"], None)
        for group in nova.groups.values():
            if server.id in group["members"]:
                group["members"].remove(server.id)
        server.status, server.task_state, server.terminated = "DELETED", None, now
        server.changed(now)
        nova.deleted[server.id] = server


def _regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error:
        raise Fail(400, f"Invalid input for query parameters name. Value: {text}. '{text}' is not a 'regex'") from None


def _time(text: str, name: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = f"Invalid input for query parameters {name}. Value: {text}. '{text}' is not a 'date-time'"
        raise Fail(400, message) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
