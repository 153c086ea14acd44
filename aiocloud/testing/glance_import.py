"""How glance takes in data by itself: staging, imports, tasks; and what it says of stores and quotas.

API: https://docs.openstack.org/api-ref/image/v2/#interoperable-image-import
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiocloud.testing.glance_data import ImageData, data_of, tiny_disk
from aiocloud.testing.http import Fail, Reply, Req, Routes
from aiocloud.testing.state import stamp

if TYPE_CHECKING:
    from aiocloud.testing.glance import Glance

Item = dict[str, Any]

SOON = 1e-6
"""Seconds: before the next request, and after this one's answer."""
MIB = 1024 * 1024


class Imports:
    """Staged data and tasks of one region's glance."""

    methods = ("glance-direct", "web-download", "glance-download", "copy-image")

    def __init__(self, glance: Glance) -> None:
        self.glance = glance
        self.staged: dict[str, ImageData] = {}
        """By image id."""
        self.tasks: dict[str, Item] = {}
        self.web: dict[str, bytes | None] = {}
        """What web-download finds at a URL; None for nothing. Other URLs have a small disk."""
        self.converts_to: str | None = None
        """The disk format that every import ends in, as with the plugin `image_conversion`."""
        self.tasks_for_all = False
        """Whether ordinary projects may use /v2/tasks, as on clouds of old."""

    def mount(self, routes: Routes) -> None:
        """Add the routes."""
        routes.add("PUT", "/v2/images/{id}/stage", self.stage)
        routes.add("POST", "/v2/images/{id}/import", self.start)
        routes.add("GET", "/v2/images/{id}/tasks", self.image_tasks)
        routes.add("GET", "/v2/info/import", self.info_import)
        routes.add("GET", "/v2/info/stores", self.info_stores)
        routes.add("GET", "/v2/info/stores/detail", self.info_stores_detail)
        routes.add("GET", "/v2/info/usage", self.info_usage)
        routes.add("GET", "/v2/tasks", self.list_tasks)
        routes.add("POST", "/v2/tasks", self.create_task)
        routes.add("GET", "/v2/tasks/{task}", self.show_task)

    # What glance can do

    async def info_import(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /info/import."""
        value = {"description": "Import methods available.", "type": "array", "value": list(self.methods)}
        return Reply.json({"import-methods": value})

    async def info_stores(self, req: Req) -> Reply:  # noqa: ARG002
        """GET /info/stores."""
        return Reply.json({"stores": [{"id": "files", "default": "true"}]})

    async def info_stores_detail(self, req: Req) -> Reply:
        """GET /info/stores/detail: for administrators."""
        if not req.is_admin:
            raise Fail(403, "You are not authorized to complete stores_info_detail action.")
        detail: Item = {
            "id": "files",
            "default": "true",
            "type": "file",
            "description": "",
            "weight": 0,
            "properties": {},
        }
        return Reply.json({"stores": [detail]})

    async def info_usage(self, req: Req) -> Reply:
        """GET /info/usage: the quotas that are set, with what is used."""
        names = ("image_size_total", "image_count_total", "image_stage_total", "image_count_uploading")
        usage: dict[str, Any] = {}
        for name in names:
            limit = self.glance.region.quota(req.project_id, name, -1)
            if limit >= 0:
                usage[name] = {"limit": limit, "usage": self.used(req.project_id, name)}
        return Reply.json({"usage": usage})

    def used(self, project_id: str, name: str) -> int:
        """How much of a quota a project has used; sizes in MiB."""
        own = [image for image in self.glance.images.values() if image["owner"] == project_id]
        if name == "image_count_total":
            return len(own)
        if name == "image_count_uploading":
            return sum(image["status"] in {"saving", "uploading", "importing"} for image in own)
        staged = name == "image_stage_total"
        return sum(image["size"] or 0 for image in own if (image["id"] in self.staged) == staged) // MIB

    def check_count(self, project_id: str) -> None:
        """A `Fail` with 413 when a project has as many images as it may."""
        limit = self.glance.region.quota(project_id, "image_count_total", -1)
        if 0 <= limit <= self.used(project_id, "image_count_total"):
            words = f"Resource image_count_total is over limit of {limit}"
            raise Fail(413, f"Request body is too large: Project {project_id} is over a limit for [{words}]")

    def check_size(self, project_id: str, size: int) -> None:
        """A `Fail` with 413 when so many bytes more are too many."""
        limit = self.glance.region.quota(project_id, "image_size_total", -1)
        used = self.used(project_id, "image_size_total")
        if limit >= 0 and used + size / MIB > limit:
            words = f"Resource image_size_total is over limit of {limit} due to current usage {used}"
            raise Fail(413, f"Request body is too large: Project {project_id} is over a limit for [{words}]")

    # How data comes in by itself

    async def stage(self, req: Req) -> Reply:
        """PUT data to be imported later: the image is "uploading" from then on."""
        self.glance.check_octets(req)
        image = self.glance.owned(req, "upload_image")
        data = await self.glance.take(req, image, "uploading")
        self.staged[image["id"]] = data
        image["size"] = data.blob.size
        self.glance.touch(image)
        return Reply(204)

    async def start(self, req: Req) -> Reply:
        """POST /import: 202, then "importing", then "active", or "queued" again when it failed."""
        image = self.glance.owned(req, "import_image")
        method = (await req.json()).get("method")
        if not isinstance(method, dict):
            raise Fail(400, "Import request requires a 'method' field.")
        wish: Item = method  # pyright: ignore[reportUnknownVariableType]
        self.check(image, wish)
        task = self.new_task(req, "api_image_import", {"image_id": image["id"], "import_req": {"method": wish}})
        task["image_id"] = image["id"]
        image["os_glance_import_task"] = task["id"]
        if wish["name"] != "copy-image":
            image.update({"os_glance_importing_to_stores": "files", "os_glance_failed_import": ""})
            image["status"] = "importing"
        self.glance.touch(image)
        delay = max(self.glance.region.knobs.work_time, SOON)
        self.glance.region.later(delay, lambda: self.finish(image, wish, task))
        return Reply(202, b"", {"content-type": "text/html; charset=UTF-8"})

    def check(self, image: Item, wish: Item) -> None:
        """A `Fail` with 400 or 409 unless this import can begin."""
        name, status = wish.get("name"), image["status"]
        if name not in self.methods:
            raise Fail(400, f"Unknown import method name '{name}'.")
        if name == "copy-image":
            if status != "active":
                raise Fail(409, "Only images with status active can be targeted for copying")
            return
        if status not in {"queued", "uploading"} or "os_glance_import_task" in image:
            raise Fail(409, f"Image with status {status} cannot be target for import")
        for field in ("container_format", "disk_format"):
            if image[field] is None:
                raise Fail(409, f"'{field}' needs to be set before import")
        if name == "glance-direct" and status != "uploading":
            raise Fail(409, "Image needs to be staged before 'glance-direct' method can be used")
        if name != "glance-direct" and status != "queued":
            raise Fail(409, f"Image needs to be in 'queued' state to use '{name}' method")
        if name == "web-download" and urlsplit(str(wish.get("uri"))).scheme not in {"http", "https"}:
            raise Fail(400, "URI for web-download does not pass filtering: " + str(wish.get("uri")))
        if name == "glance-download" and not (wish.get("glance_image_id") and wish.get("glance_region")):
            raise Fail(400, "'glance_image_id' and 'glance_region' need to be set for glance-download")

    def finish(self, image: Item, wish: Item, task: Item) -> None:
        """What an import comes to."""
        image.pop("os_glance_import_task", None)
        if image["id"] not in self.glance.images:
            self.end_task(task, "failure", "The image was deleted during the import")
            return
        if wish["name"] == "copy-image":
            self.end_task(task, "success", "Copied 0 MiB")
            return
        data = self.fetch(image, wish)
        image["os_glance_importing_to_stores"] = ""
        if data is None or not data.fits(image["disk_format"]):
            # What was staged can't be staged again: such an image stays as it is.
            back: Item = {} if wish["name"] == "glance-direct" else {"status": "queued", "size": None}
            image.update({**back, "os_glance_failed_import": "files"})
            self.end_task(task, "failure", "Task failed due to Internal Error" if data is None else "Format mismatch")
            return
        if self.converts_to not in (None, image["disk_format"]):
            image["disk_format"], data = self.converts_to, data_of(tiny_disk(str(self.converts_to)))
        self.glance.fill(image, data)
        self.end_task(task, "success", f"Copied {data.blob.size // MIB} MiB")

    def fetch(self, image: Item, wish: Item) -> ImageData | None:
        """The data that an import brings; None when there is none."""
        if wish["name"] == "glance-direct":
            return self.staged.pop(image["id"], None)
        if wish["name"] == "web-download":
            content = self.web.get(wish["uri"], tiny_disk(image["disk_format"]))
            return None if content is None else data_of(content)
        region = self.glance.region.cloud.regions.get(wish["glance_region"])
        return None if region is None else region.glance.data.get(wish["glance_image_id"])

    # Tasks

    def new_task(self, req: Req, kind: str, given: Item) -> Item:
        """A task that has begun."""
        now = stamp(self.glance.region.clock.now())
        task: Item = {
            "id": self.glance.region.ids.uuid(),
            "type": kind,
            "status": "processing",
            "owner": req.project_id,
            "created_at": now,
            "updated_at": now,
            "expires_at": None,
            "input": given,
            "result": None,
            "message": "",
            "user_id": req.token.user_id,
            "request_id": "",
            "deleted": False,
            "deleted_at": None,
        }
        self.tasks[task["id"]] = task
        return task

    def end_task(self, task: Item, status: str, message: str) -> None:
        """Write down how a task ended."""
        now = self.glance.region.clock.now()
        task.update(status=status, message=message, updated_at=stamp(now), expires_at=stamp(now + 48 * 3600))
        if status == "success" and task["result"] is None:
            task["result"] = {"image_id": task["input"].get("image_id")}

    def view(self, task: Item) -> Item:
        """As an answer shows it."""
        return {**task, "self": f"/v2/tasks/{task['id']}", "schema": "/v2/schemas/task"}

    async def image_tasks(self, req: Req) -> Reply:
        """GET the tasks of one image."""
        image = self.glance.need(req)
        return Reply.json({"tasks": [one for one in self.tasks.values() if one.get("image_id") == image["id"]]})

    def allow_tasks(self, req: Req) -> None:
        """A `Fail` with 403: the tasks API is for administrators, unless this cloud opens it."""
        if not (req.is_admin or self.tasks_for_all):
            raise Fail(403, "You are not authorized to complete tasks_api_access action.")

    async def list_tasks(self, req: Req) -> Reply:
        """GET /tasks."""
        self.allow_tasks(req)
        brief = ("input", "result", "message")
        found = [one for one in self.tasks.values() if req.is_admin or one["owner"] == req.project_id]
        shown = [{key: value for key, value in self.view(one).items() if key not in brief} for one in found]
        return Reply.json({"tasks": shown, "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})

    async def show_task(self, req: Req) -> Reply:
        """GET /tasks/TASK."""
        self.allow_tasks(req)
        task = self.tasks.get(req.args["task"])
        if task is None or not (req.is_admin or task["owner"] == req.project_id):
            raise Fail(404, f"No task found with ID {req.args['task']}")
        return Reply.json(self.view(task))

    async def create_task(self, req: Req) -> Reply:
        """POST /tasks {"type": "import"}: an image from a swift object ("container/object") or a URL."""
        self.allow_tasks(req)
        body = await req.json()
        given: Item = body.get("input") or {}
        if body.get("type") != "import" or "import_from" not in given:
            raise Fail(400, "Input does not contain 'import_from' field" if given else "Invalid task type")
        task = self.new_task(req, "import", given)
        task["status"] = "pending"
        delay = max(self.glance.region.knobs.work_time, SOON)
        self.glance.region.later(delay, lambda: self.finish_task(req, task))
        return Reply.json(self.view(task), 201, {"location": f"{req.base}/v2/tasks/{task['id']}"})

    def finish_task(self, req: Req, task: Item) -> None:
        """Make the image that a task asks for."""
        given: Item = task["input"]
        place = str(given["import_from"])
        kind = given.get("import_from_format") or "raw"
        data = self.fetch_from(req.project_id, place, kind)
        if data is None:
            self.end_task(task, "failure", f"Could not read {place}")
            return
        properties: Item = {"disk_format": kind, "container_format": "bare", **given.get("image_properties", {})}
        image = self.glance.new(req.project_id, properties)
        self.glance.images[image["id"]] = image
        self.glance.fill(image, data)
        task["result"] = {"image_id": image["id"]}
        self.end_task(task, "success", "")

    def fetch_from(self, project_id: str, place: str, kind: str) -> ImageData | None:
        """The data of a URL or of a swift object of the project."""
        if "://" in place:
            content = self.web.get(place, tiny_disk(kind))
            return None if content is None else data_of(content)
        swift = self.glance.region.swift
        found = swift.read(f"AUTH_{project_id}", *place.strip("/").partition("/")[::2])
        return None if found is None else data_of(found)
