"""Single requests to Glance: properties, tags, members, and images that nobody may read for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

import aiocloud
from aiocloud.testing import FakeCloud

pytestmark = pytest.mark.anyio


async def test_an_image_is_changed_shared_and_withdrawn(fake: FakeCloud, clouds_yaml: Path) -> None:
    async with aiocloud.connect("fake", config_files=[clouds_yaml], transport=fake.transport) as cloud:
        images = cloud.image.images
        image = await cloud.create_image("mine", data=b"content", disk_format="raw", tags=["a"], meta={"x/y~z": True})
        assert image["x/y~z"] == "true"
        changed = await images.update(image, name="other", min_disk=2, is_protected=True, properties={"x/y~z": None})
        assert (changed.name, changed.min_disk, changed.is_protected) == ("other", 2, True)
        assert "x/y~z" not in changed
        with pytest.raises(aiocloud.Forbidden):
            await images.delete(image)
        await images.update(image, is_protected=False, visibility="shared")
        await images.add_tag(image, "b c")
        await images.remove_tag(image, "a")
        assert (await images.get(image.id)).tags == ["b c"]
        with pytest.raises(aiocloud.NotFound):
            await images.remove_tag(image, "a")
        members = await images.members(image)
        assert (await members.create(member="somebody")).status == "pending"
        assert [(each.id, each.status) for each in await members.list()] == [("somebody", "pending")]
        assert await members.delete("somebody") is True
        assert await members.list() == []
        await images.deactivate(image)
        with pytest.raises(aiocloud.Forbidden):
            await cloud.download_image("other", output_path=clouds_yaml.with_name("copy"))
        assert not clouds_yaml.with_name("copy").exists()
        await images.reactivate(image)
        await cloud.download_image("other", output_path=clouds_yaml.with_name("copy"))
        assert clouds_yaml.with_name("copy").read_bytes() == b"content"
        assert [store.id for store in await cloud.image.stores.list()] == ["files"]
        assert "glance-direct" in await cloud.image.import_methods()
        assert (await cloud.image.schema())["name"] == "image"
