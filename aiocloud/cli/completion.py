"""`aiocloud completion bash`: the script that a shell sources to complete commands, options, clouds and regions."""

from __future__ import annotations

from typing import Literal

from aiocloud.cli.output import write

__all__ = ["completion"]


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Write the completion script of a shell.

    bash: source <(aiocloud completion bash). zsh: aiocloud completion zsh > a file called _aiocloud in a folder of $fpath.
    fish: aiocloud completion fish > ~/.config/fish/completions/aiocloud.fish.
    """
    from aiocloud.cli.app import app

    write(app.generate_completion(prog_name="aiocloud", shell=shell))
    return 0
