"""Writes clouds.yaml and friends, and reads them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from aiocloud.config.load import Configuration, load_config
from aiocloud.config.schema import CloudConfig

LOGIN = "auth: {auth_url: 'https://id.example.com:5000', username: me, password: pw, project_name: p}"


class Files:
    """A folder with configuration files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, text: str, name: str = "clouds.yaml") -> Path:
        path = self.folder / name
        path.write_text(dedent(text).replace("LOGIN", LOGIN))
        path.chmod(0o600)
        return path

    def load(self, clouds: str, *, secure: str | None = None, **how: Any) -> Configuration:
        secure_files = [self.write(secure, "secure.yaml")] if secure is not None else []
        environ = how.pop("environ", {})
        return load_config(config_files=[self.write(clouds)], secure_files=secure_files, environ=environ, **how)

    def cloud(self, keys: str = "", region: str | None = None, **overrides: Any) -> CloudConfig:
        """The one cloud `mine`, which has a login and these keys."""
        lines = "".join(f"    {line}\n" for line in dedent(keys).strip().splitlines())
        login = "" if "auth:" in keys else f"    {LOGIN}\n"
        return self.load(f"clouds:\n  mine:\n{login}{lines}    image_format: qcow2\n").cloud(
            "mine", region, **overrides
        )
