"""G1, G13: what it costs to begin, beside openstacksdk and python-openstackclient, in one run.

Each is a process of its own, whose CPU the kernel counts, less that of a Python that does nothing. The clients take turns,
so that a busy machine is busy for all of them. Medians of `--rounds`. A peer that is not installed is left out.

    nox -s bench -- starting --small
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks._page import Row, put_into_page

NOTHING = ("-c", "pass")
IMPORT = {"aiocloud": ("-c", "import aiocloud"), "openstack": ("-c", "import openstack")}
HELP = {
    "aiocloud": ("-c", "import sys; sys.argv[:] = ['aiocloud', '--help']; from aiocloud.cli import main; main()"),
    "openstackclient": ("-m", "openstackclient.shell", "--help"),
}


def cpu(arguments: Sequence[str]) -> float:
    """CPU seconds of one Python, from its start to its end."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def in_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """The median CPU of each, less that of an empty Python; the first round only compiles."""
    all_of_them = {**commands, "": NOTHING}
    costs = [{name: cpu(command) for name, command in all_of_them.items()} for _ in range(rounds + 1)][1:]
    medians = {name: statistics.median(cost[name] for cost in costs) for name in all_of_them}
    return {name: medians[name] - medians[""] for name in commands}


def compared(id: str, what: str, goal: float, beyond: float, commands: Mapping[str, Sequence[str]], rounds: int) -> Row:
    """Ours beside the peer's."""
    ours, peer = commands
    cost = in_turns(commands, rounds)
    told = f"{cost[ours] * 1000:.0f} / {cost[peer] * 1000:.0f} ms"
    return Row(id, what, goal, beyond, cost[ours] / cost[peer], told)


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks starting", description=__doc__)
    parser.add_argument("--small", action="store_true", help="three rounds")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--write", type=Path, help="the page whose table of this suite is replaced")
    options = parser.parse_args(list(arguments))
    rounds = options.rounds or (3 if options.small else 5)
    rows: list[Row] = []
    if importlib.util.find_spec("openstack"):
        rows.append(compared("G1", "CPU of `import aiocloud` / `import openstack`", 0.15, 0.05, IMPORT, rounds))
    if importlib.util.find_spec("openstackclient"):
        rows.append(compared("G13", "CPU of `aiocloud --help` / `openstack --help`", 0.25, 0.1, HELP, rounds))
    put_into_page(options.write, "starting", rows)
