"""How the documentation is built: `nox -s docs`."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "aiocloud"
author = "The aiocloud developers"
copyright = "The aiocloud developers, Apache-2.0"
release = version_of("aiocloud")
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"aiocloud {release}"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}
