"""Every cloud that the talk names, on a port, with the files that its scripts upload."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from anyio.from_thread import start_blocking_portal

from aiocloud.testing import FakeCloud
from aiocloud.testing.kinds import PLAIN, TALK

OTHERS = {
    "zetta": "no-osl1",
    "fuga": "cystack",
    "datacentred": "sal01",
    "ovh": "SBG1",
    "kiss": "region1",
    "rax": "DFW",
}
IMAGES = {
    "zetta": ("Ubuntu 14.04 (AMD64) [Local Storage]",),
    "fuga": ("Ubuntu 16.04 LTS - Xenial Xerus - 64-bit - Fuga Cloud Based Image",),
}


@dataclass(frozen=True)
class Talk:
    """The fake clouds, and a folder where a script finds clouds.yaml and its files."""

    fake: FakeCloud
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return {**own, "OS_CLIENT_CONFIG_FILE": str(self.folder / "clouds.yaml"), "HOME": str(self.folder)}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a script as a reader would, a warning being an error."""
        return subprocess.run(
            [sys.executable, "-W", "error", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def clouds_of_the_talk() -> FakeCloud:
    others = [
        replace(PLAIN, name=name, regions=(region,), images=(*PLAIN.images, *IMAGES.get(name, ())))
        for name, region in OTHERS.items()
    ]
    fake = FakeCloud(clouds=[*TALK.values(), *others])
    for image in fake.cloud("fuga").region().glance.images.values():
        image["fuga_build"] = "17"  # a property of that cloud's own
    return fake


def configuration(fake: FakeCloud) -> str:
    """The clouds.yaml; rax says in it, as in the talk, that it has no network service."""
    written = yaml.safe_load(fake.clouds_yaml())
    if "rax" in written["clouds"]:
        written["clouds"]["rax"]["has_network"] = False
    return yaml.safe_dump(written)


@contextmanager
def serving(fake: FakeCloud, folder: Path) -> Iterator[Talk]:
    (folder / "devuan-jessie.qcow2").write_bytes(b"QFI\xfb" + b"\0" * 3 + b"\3" + b"\0" * 65_528)
    (folder / "briarcliff.sh3d").write_bytes(b"PK\3\4" + bytes(range(256)) * 13_000)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(fake.serve()):
        (folder / "clouds.yaml").write_text(configuration(fake))
        yield Talk(fake, folder)
