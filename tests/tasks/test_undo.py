"""What an operation made is taken back when it fails, whatever became of its requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import aiocloud
from aiocloud import CloudError, Conflict, TransportError
from aiocloud.model import Resource
from aiocloud.tasks.undo import Undo
from aiocloud.testing import FakeCloud
from tests.transport.helper import virtual


class Service:
    """The first POST is thought lost, and its thing appears with that of the second; what is stuck can't be removed."""

    def __init__(self, stuck: str = "") -> None:
        self.things: list[str] = []
        self.stuck = stuck
        self.sent = 0

    async def send(self) -> Resource:
        self.sent += 1
        if self.sent == 1:
            raise TransportError("reset")
        self.things += ["late", "made"]
        return Resource(id="made")

    async def look(self) -> Sequence[Resource]:
        return [Resource(id=id) for id in self.things]

    async def delete(self, id: str) -> bool:
        if id == self.stuck:
            raise CloudError(f"{id} is in use")
        self.things.remove(id)
        return True


def story(clouds_yaml: Path, fake: FakeCloud, service: Service) -> None:
    async def told() -> None:
        async with (
            aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud,
            Undo(cloud) as undo,
        ):
            made = await undo.create("thing", service.send, service.look, service.delete)
            assert made.id == "made"

    virtual(told)


def test_what_landed_late_is_removed_and_what_was_made_stays(clouds_yaml: Path, fake: FakeCloud) -> None:
    service = Service()
    story(clouds_yaml, fake, service)
    assert service.things == ["made"]


def test_what_landed_late_and_stays_is_named(clouds_yaml: Path, fake: FakeCloud) -> None:
    service = Service(stuck="late")
    with pytest.raises(CloudError, match="late is in use") as raised:
        story(clouds_yaml, fake, service)
    assert service.things == ["late"]
    assert [(left.kind, left.id, left.why) for left in raised.value.leftovers] == [("thing", "late", "late is in use")]


class Silent(Service):
    """Nothing answers, and what lands does so after all looks."""

    async def send(self) -> Resource:
        self.sent += 1
        raise TransportError("reset")


def test_one_of_a_kind_that_was_made_does_not_hide_another_whose_end_is_unknown(
    clouds_yaml: Path, fake: FakeCloud
) -> None:
    async def told() -> None:
        async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
            silent, known = Silent(), Service()
            known.sent = 1
            async with Undo(cloud) as undo:
                try:
                    await undo.create("thing", silent.send, silent.look, silent.delete, name="silent")
                except TransportError:
                    await undo.create("thing", known.send, known.look, known.delete)
                raise Conflict("failed")

    with pytest.raises(Conflict) as raised:
        virtual(told)
    assert [(left.name, left.id) for left in raised.value.leftovers] == [("silent", "unknown")]
