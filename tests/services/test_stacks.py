"""Stacks: the files of a template, waiting for Heat, and its words when it fails."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiocloud import InvalidRequest, ResourceFailed
from tests.services.helper import InTurn, Script

pytestmark = pytest.mark.anyio

TEMPLATE = """
heat_template_version: 2021-04-16
parameters: {flavor: {type: string}}
resources:
  web: &web
    type: parts/web.yaml
    properties: {user_data: {get_file: boot.sh}}
  again: *web
  port: {type: OS::Neutron::Port}
"""


def written(folder: Path) -> Path:
    (folder / "parts").mkdir()
    (folder / "parts" / "web.yaml").write_text("resources: {a: {type: X, properties: {b: {get_file: motd}}}}\n")
    (folder / "parts" / "motd").write_text("hello")
    (folder / "boot.sh").write_text("#!/bin/sh\n")
    path = folder / "stack.yaml"
    path.write_text(TEMPLATE)
    return path


def stack(status: str, **more: Any) -> dict[str, Any]:
    return {"stack": {"id": "s1", "stack_name": "s", "stack_status": status, **more}}


async def test_a_stack_with_all_its_files_is_waited_for(tmp_path: Path) -> None:
    script = Script(
        {
            "POST /v1/p/stacks": (201, {"stack": {"id": "s1", "links": []}}),
            "GET /v1/p/stacks/s1": InTurn(stack("CREATE_IN_PROGRESS"), stack("CREATE_COMPLETE")),
            "GET /v1/p/stacks/s": stack("CREATE_COMPLETE", outputs=[]),
        }
    )
    environment = tmp_path / "env.yaml"
    environment.write_text("parameters: {flavor: m1.tiny}\n")
    async with script.connect("orchestration", "http://heat.test/v1/p") as cloud:
        made = await cloud.create_stack(
            "s", ["a", "b"], written(tmp_path), wait=True, timeout=120, environment_files=[environment], image="i1"
        )
    assert (made.status, made.name) == ("CREATE_COMPLETE", "s")
    sent = script.seen[0][2]
    assert sent["template"] == TEMPLATE
    assert sent["files"] == {
        "boot.sh": "#!/bin/sh\n",
        "parts/web.yaml": (tmp_path / "parts" / "web.yaml").read_text(),
        "motd": "hello",
    }
    assert sent["environment"] == {"parameters": {"flavor": "m1.tiny"}}
    assert (sent["stack_name"], sent["tags"], sent["timeout_mins"]) == ("s", "a,b", 2)
    assert (sent["disable_rollback"], sent["parameters"]) == (False, {"image": "i1"})


async def test_a_stack_that_fails_says_why_in_heats_words() -> None:
    script = Script(
        {
            "POST /v1/p/stacks": (201, {"stack": {"id": "s1", "links": []}}),
            "GET /v1/p/stacks/s1": stack("CREATE_FAILED", stack_status_reason="no valid host"),
        }
    )
    async with script.connect("orchestration", "http://heat.test/v1/p") as cloud:
        with pytest.raises(ResourceFailed, match="no valid host"):
            await cloud.create_stack("s", template_object={"heat_template_version": "2021-04-16"}, wait=True, timeout=9)


async def test_an_update_is_not_done_before_it_has_begun() -> None:
    before, begun = {"updated_time": "t1"}, {"updated_time": "t2"}
    script = Script(
        {
            "GET /v1/p/stacks/s": InTurn(
                stack("UPDATE_COMPLETE", **before),
                stack("UPDATE_COMPLETE", **before),
                stack("UPDATE_COMPLETE", **begun),
            ),
            "GET /v1/p/stacks/s1": InTurn(
                stack("UPDATE_COMPLETE", **before),
                stack("UPDATE_IN_PROGRESS", **begun),
                stack("UPDATE_COMPLETE", **begun),
            ),
            "PUT /v1/p/stacks/s/s1": 202,
        }
    )
    async with script.connect("orchestration", "http://heat.test/v1/p") as cloud:
        updated = await cloud.update_stack("s", template_url="http://example.org/t.yaml", wait=True, timeout=30)
    assert updated.updated_at == "t2"
    assert (
        next(body for method, _, body in script.seen if method == "PUT")["template_url"] == "http://example.org/t.yaml"
    )


async def test_a_stack_is_removed_by_name_and_id_together_and_gone_when_heat_says_so() -> None:
    script = Script(
        {
            "GET /v1/p/stacks/s": stack("CREATE_COMPLETE"),
            "GET /v1/p/stacks/s1": InTurn(stack("DELETE_IN_PROGRESS"), stack("DELETE_COMPLETE")),
            "DELETE /v1/p/stacks/s/s1": 204,
        }
    )
    async with script.connect("orchestration", "http://heat.test/v1/p") as cloud:
        assert await cloud.delete_stack("s", wait=True, timeout=30) is True
        assert await cloud.delete_stack("other") is False
        assert await cloud.get_stack("s1") is None


async def test_many_who_wait_for_stacks_share_one_look() -> None:
    names = [f"s{n}" for n in range(8)]

    def listed(status: str) -> dict[str, Any]:
        return {"stacks": [{"id": f"id-{name}", "stack_name": name, "stack_status": status} for name in names]}

    done = {f"GET /v1/p/stacks/{n}": stack("CREATE_COMPLETE", id=f"id-{n}", stack_name=n) for n in names}
    script = Script(
        {
            "POST /v1/p/stacks": lambda request: {"stack": {"id": f"id-{json.loads(request.content)['stack_name']}"}},
            "GET /v1/p/stacks": InTurn(listed("CREATE_IN_PROGRESS"), listed("CREATE_COMPLETE")),
            **done,
            **{
                f"GET /v1/p/stacks/id-{n}": InTurn(
                    stack("CREATE_IN_PROGRESS", id=f"id-{n}", stack_name=n),
                    stack("CREATE_COMPLETE", id=f"id-{n}", stack_name=n),
                )
                for n in names
            },
        }
    )
    async with script.connect("orchestration", "http://heat.test/v1/p") as cloud, anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(partial(cloud.create_stack, name, template_object={}, wait=True, timeout=60))
    looks = sum(request.method == "GET" for request in script.requests) - len(names)
    assert looks < 2 * len(names)


async def test_a_template_is_one_thing_and_its_files_are_there(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    async with Script({}).connect("orchestration", "http://heat.test/v1/p") as cloud:
        with pytest.raises(InvalidRequest, match="one of template_file"):
            await cloud.get_template_contents()
        with pytest.raises(InvalidRequest, match=r"t\.yaml can't be read"):
            await cloud.get_template_contents(path)
        path.write_text("a: {get_file: missing.sh}")
        with pytest.raises(InvalidRequest, match=r"missing\.sh can't be read"):
            await cloud.get_template_contents(path)
        path.write_text("a: [")
        with pytest.raises(InvalidRequest, match="is not YAML"):
            await cloud.get_template_contents(path)
        path.write_text("a: {get_file: missing.sh, b: {get_file: http://example.org/x}}")
        files, template = await cloud.get_template_contents(path, files={"missing.sh": "here"})
        assert (files, template) == ({"missing.sh": "here"}, path.read_text())
