"""G1, G13: what it costs to begin, beside openstacksdk and python-openstackclient, in one run.

And to open one cloud of a clouds.yaml that has 200 of them.

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
import tempfile
from collections.abc import Mapping, Sequence

from benchmarks._page import Row, put_into_page

NOTHING = ("-c", "pass")
IMPORT = {"aiocloud": ("-c", "import aiocloud"), "openstack": ("-c", "import openstack")}
HELP = {
    "aiocloud": ("-c", "import sys; sys.argv[:] = ['aiocloud', '--help']; from aiocloud.cli import main; main()"),
    "openstackclient": ("-m", "openstackclient.shell", "--help"),
}
COMPLETION = {
    "aiocloud": (
        "-c",
        "import sys; sys.argv[:] = ['aiocloud', 'completion', 'bash']; from aiocloud.cli import main; main()",
    ),
    "openstackclient": ("-m", "openstackclient.shell", "complete"),
}

THEIR_CONNECT = """
import sys, openstack
config = openstack.config.OpenStackConfig(config_files=[sys.argv[1]], secure_files=[])
openstack.connection.Connection(config=config.get_one("cloud-150"))
"""
CONNECT = {
    "aiocloud": ("-c", "import sys, aiocloud; aiocloud.connect('cloud-150', config_files=[sys.argv[1]])"),
    "openstack": ("-c", THEIR_CONNECT),
}
CLOUD = """
  cloud-{nth}:
    auth: {{auth_url: "https://identity-{nth}.example.com:5000/v3", username: u, password: p, project_name: x}}
    regions: [one, {{name: two, values: {{networks: [{{name: out, routes_externally: true}}]}}}}]
    region_name: one
    image_format: raw
"""


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
    options = parser.parse_args(list(arguments))
    rounds = options.rounds or (3 if options.small else 5)
    rows: list[Row] = []
    if importlib.util.find_spec("openstack"):
        rows.append(compared("G1", "CPU of `import aiocloud` / `import openstack`", 0.15, 0.05, IMPORT, rounds))
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("clouds:\n" + "".join(CLOUD.format(nth=nth) for nth in range(200)))
            file.flush()
            commands = {name: (*command, file.name) for name, command in CONNECT.items()}
            rows.append(compared("cold", "CPU to `connect()` to one of 200 clouds, cold", 1.0, 0.25, commands, rounds))
    if importlib.util.find_spec("openstackclient"):
        rows.append(compared("G13", "CPU of `aiocloud --help` / `openstack --help`", 0.25, 0.1, HELP, rounds))
        what = "CPU of `aiocloud completion bash` / `openstack complete`"
        rows.append(compared("G13", what, 0.25, 0.1, COMPLETION, rounds))
    put_into_page("starting", rows, rounds=rounds, small=options.small)
