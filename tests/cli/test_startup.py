"""What starting costs, and the processes of their own: help, the demo, completion, the fake clouds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aiocloud.cli import completion
from aiocloud.cli.nouns import COMMANDS, NOUNS
from aiocloud.cli.output import FORMATS

MAIN = [sys.executable, "-W", "error", "-m", "aiocloud.cli"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(cwd)}
    return subprocess.run(
        [*MAIN, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_help_names_every_command_and_imports_no_cloud(tmp_path: Path) -> None:
    script = (
        "import sys, json; from aiocloud.cli.app import run; code = run(['--help']);"
        "print(json.dumps([code, sorted({'httpx2', 'pydantic', 'aiocloud.cloud', 'rich.markdown'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    *text, last = done.stdout.splitlines()
    assert json.loads(last) == [0, []] or json.loads(last) == [0, ["rich.markdown"]]
    assert all(any(f" {name} " in line for line in text) for name in (*COMMANDS, *NOUNS))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_imports_no_engine(shell: str) -> None:
    script = (
        f"import sys; sys.argv = ['aiocloud', 'completion', '{shell}']\n"
        "import aiocloud.cli\n"
        "try: aiocloud.cli.main()\n"
        "finally: print({'cyclopts', 'rich', 'pydantic', 'httpx2'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "set()\n"
    assert all(name in done.stdout for name in (*COMMANDS, *NOUNS))
    assert completion._FORMATS.split() == list(FORMATS)


def test_bash_completes_commands_and_clouds(tmp_path: Path) -> None:
    (tmp_path / "clouds.yaml").write_text("clouds:\n  my-cloud: {}\n  $(touch ran): {}\n  other: {}\n")
    (tmp_path / "aiocloud").write_text(f'#!/bin/sh\nexec {sys.executable} -m aiocloud.cli "$@"\n')
    (tmp_path / "aiocloud").chmod(0o755)
    script = """
    source <(aiocloud completion bash)
    tab() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _aiocloud; echo "${COMPREPLY[@]}"; }
    tab aiocloud floa
    tab aiocloud floating-ip cr
    tab aiocloud server list -c my
    tab aiocloud server list -c ''
    tab aiocloud server list -o js
    tab aiocloud server create --auto
    """
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["floating-ip", "create", "my-cloud", "my-cloud other", "json", "--auto-ip"]
    assert not (tmp_path / "ran").exists()


def test_the_demo_tells_each_step_and_removes_what_it_made(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for cloud in ("my-vexxhost ca-ymq-1", "my-citycloud Buf1", "my-internap ams01"):
        for step in ("image", "flavor", "server", "address", "clean up: all removed"):
            assert f"{cloud}: {step}" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_removes_what_it_made(tmp_path: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*MAIN, "demo"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        said = [demo.stdout.readline()]
        demo.send_signal(number)
        said += demo.stdout.readlines()
        code = demo.wait(60)
    assert code == 130
    assert said[-1] == "Interrupted. Everything that was made was removed.\n"


def test_the_fake_clouds_are_there_until_they_are_ended(tmp_path: Path) -> None:
    path = tmp_path / "clouds.yaml"
    command = [*MAIN, "fake-cloud", "--clouds-yaml", str(path)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as fake:
        assert fake.stdout is not None
        assert fake.stdout.readline() == "ready\n"
        assert run("flavor", "list", "-A", "-o", "name", cwd=tmp_path).returncode == 0
        fake.send_signal(signal.SIGTERM)
        assert fake.wait(30) == 0


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    command = f"{' '.join(MAIN)} completion bash | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
