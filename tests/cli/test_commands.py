"""Commands against clouds on a port: what they write, and how they end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import typing
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest
import yaml

from aiocloud.cli.nouns import NOUNS, Noun
from aiocloud.cli.verbs import verb_of
from aiocloud.model import Resource
from aiocloud.testing import FakeCloud, Fault
from aiocloud.testing.faults import Cut
from aiocloud.testing.http import Reply
from tests.cli.conftest import Shell

CLOUDS = {"my-vexxhost", "my-citycloud", "my-internap"}


def one_sentence(text: str) -> bool:
    return text.startswith("aiocloud: ") and text.count("\n") == 1 and "Traceback" not in text


def test_a_table_and_json_of_one_cloud(shell: Shell) -> None:
    table = shell("flavor", "list", "--cloud", "my-vexxhost")
    assert table.code == 0
    assert table.out.splitlines()[0].split() == ["ID", "NAME", "RAM", "VCPUS", "DISK"]
    data = shell("flavor", "list", "-c", "my-vexxhost", "-o", "json").json
    assert {row["name"] for row in data} == {line.split()[1] for line in table.out.splitlines()[1:]}
    assert "cloud" not in data[0]


def test_all_clouds_say_where_each_row_is_from(shell: Shell) -> None:
    said = shell("network", "list", "--all-clouds", "-o", "ndjson", "--columns", "cloud,region,name")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert {row["cloud"] for row in rows} == CLOUDS
    assert set(rows[0]) == {"cloud", "region", "name"}


def test_patterns_and_lists_of_clouds(shell: Shell) -> None:
    assert {row["cloud"] for row in shell("image", "list", "-c", "my-c*,my-internap", "-o", "json").json} == {
        "my-citycloud",
        "my-internap",
    }


def test_a_query(shell: Shell) -> None:
    said = shell("flavor", "list", "-c", "my-vexxhost", "--query", "[?name=='m1.tiny'].ram | [0]")
    assert (said.code, said.out) == (0, "512\n")


def test_a_query_that_is_none_is_told_before_anything_is_made(shell: Shell) -> None:
    said = shell("network", "create", "unasked", "-c", "my-citycloud", "--query", "id[")
    assert said.code == 1
    assert one_sentence(said.err)
    assert shell("network", "show", "unasked", "-c", "my-citycloud").code == 4


def test_a_column_that_nothing_has_is_told(shell: Shell) -> None:
    said = shell("flavor", "list", "-c", "my-vexxhost", "--columns", "nam,ram,extra_specs.hw:cpu")
    assert (said.code, said.out.split()[:2]) == (0, ["NAM", "RAM"])
    assert one_sentence(said.err)
    assert "nothing has nam; there are" in said.err


def test_create_show_and_delete(shell: Shell) -> None:
    made = shell("network", "create", "lan", "-c", "my-citycloud", "-o", "json")
    assert made.code == 0
    shown = shell("network", "show", made.json["id"], "-c", "my-citycloud", "-o", "yaml")
    assert yaml.safe_load(shown.out)[0]["name"] == "lan" or yaml.safe_load(shown.out)["name"] == "lan"
    gone = shell("network", "delete", "lan", "-c", "my-citycloud")
    assert (gone.code, gone.out) == (0, "deleted network lan\n")
    assert shell("network", "show", "lan", "-c", "my-citycloud").code == 4


def test_a_server_is_reachable_when_it_is_waited_for(shell: Shell) -> None:
    image = shell("image", "list", "-c", "my-internap", "-o", "name").out.splitlines()[0]
    made = shell(
        "server", "create", "web", "--image", image, "--flavor", "m1.tiny", "--wait", "-c", "my-internap", "-o", "json"
    )
    assert (made.code, made.json["status"]) == (0, "ACTIVE")
    assert made.json["public_v4"]
    inventory = shell("inventory", "--list").json
    assert inventory["_meta"]["hostvars"]["web"]["ansible_host"] == made.json["public_v4"]
    assert inventory["my-internap"] == {"hosts": ["web"]}
    assert shell("inventory", "--host", "web").json["openstack"]["cloud"] == "my-internap"
    assert (shell("inventory").code, shell("inventory").err) == (2, "aiocloud: say --list or --host NAME\n")
    assert shell("watch", "--once").out.count("web") == 1
    assert shell("server", "delete", "web", "--wait", "-c", "my-internap").code == 0


def test_a_volume_and_a_subnet_are_made_by_name(shell: Shell) -> None:
    said = shell("volume", "create", "data", "--size", "1", "--wait", "-c", "my-vexxhost", "-o", "json")
    assert (said.code, said.json["name"], said.json["size"]) == (0, "data", 1)
    assert shell("volume", "delete", "data", "--wait", "-c", "my-vexxhost").code == 0
    assert shell("network", "create", "n1", "-c", "my-citycloud").code == 0
    arguments = ("--network", "n1", "--cidr", "10.9.0.0/24", "--dns-nameservers", "9.9.9.9", "-c", "my-citycloud")
    said = shell("subnet", "create", "s1", *arguments, "-o", "json")
    assert (said.code, said.json["name"], said.json["dns_nameservers"]) == (0, "s1", ["9.9.9.9"])
    assert shell("network", "delete", "n1", "-c", "my-citycloud").code == 0


def test_folders_are_carried_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file").write_text("text")
    assert shell("object", "sync", "folder", "kept", "-c", "my-vexxhost").out == "upload deep/file\n0 alike\n"
    assert shell("object", "sync", "folder", "kept", "-c", "my-vexxhost").out == "1 alike\n"
    assert shell("object", "sync", "back", "kept", "--down", "-c", "my-vexxhost").code == 0
    assert (tmp_path / "back" / "deep" / "file").read_text() == "text"
    assert shell("cleanup", "--yes", "-c", "my-vexxhost", "--skip", "network.network", "-o", "json").code == 0
    assert shell("container", "list", "-c", "my-vexxhost", "-o", "json").json == []


def test_nothing_is_left_over(shell: Shell, tmp_path: Path) -> None:
    journal = ("--journal", str(tmp_path / "journal"))
    assert shell("volume", "create", "kept", "--size", "1", "--wait", "-c", "my-citycloud", *journal).code == 0
    assert shell("leftovers", *journal, "-o", "json").json == []
    assert shell("volume", "delete", "kept", "-c", "my-citycloud").code == 0
    assert one_sentence(shell("leftovers").err)
    said = shell("leftovers", "--journal", str(tmp_path / "jornal"))
    assert (said.code, said.out) == (1, "")
    assert "there is no journal" in said.err


def test_one_that_can_not_be_deleted_keeps_no_other(shell: Shell) -> None:
    for name in ("one", "twice", "twice", "last"):
        assert shell("security-group", "create", name, "-c", "my-citycloud").code == 0
    said = shell("security-group", "delete", "one", "twice", "last", "-c", "my-citycloud")
    assert said.code == 1
    assert said.out == "deleted security-group one\ndeleted security-group last\n"
    assert "twice" in said.err


def test_several_are_deleted_and_the_missing_one_named(shell: Shell) -> None:
    for name in ("k1", "k2"):
        assert shell("security-group", "create", name, "-c", "my-citycloud").code == 0
    said = shell("security-group", "delete", "k1", "nope", "k2", "-c", "my-citycloud")
    assert said.code == 4
    assert said.out == "deleted security-group k1\ndeleted security-group k2\n"
    assert "there is no security group 'nope'" in said.err


def test_a_generated_private_key_is_shown_this_once(shell: Shell) -> None:
    made = shell("keypair", "create", "mine", "-c", "my-vexxhost", "-o", "json")
    assert "PRIVATE KEY" in made.json["private_key"]
    assert "private_key" not in shell("keypair", "show", "mine", "-c", "my-vexxhost", "-o", "json").json
    shell("keypair", "delete", "mine", "-c", "my-vexxhost")


def test_objects_go_up_and_come_down(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(bytes(range(256)) * 100)
    assert shell("object", "create", "box", "thing", "--filename", "up", "-c", "my-vexxhost").code == 0
    assert shell("object", "list", "box", "-c", "my-vexxhost", "-o", "name").out == "thing\n"
    shown = shell("object", "show", "box", "thing", "-c", "my-vexxhost", "-o", "json").json
    assert (shown["name"], shown["content_length"]) == ("thing", 25600)
    assert shell("object", "show", "box", "nothing", "-c", "my-vexxhost").code == 4
    assert shell("object", "save", "box", "thing", "down", "-c", "my-vexxhost").code == 0
    assert (tmp_path / "down").read_bytes() == (tmp_path / "up").read_bytes()
    assert shell("object", "delete", "box", "thing", "-c", "my-vexxhost").code == 0
    assert shell("container", "delete", "box", "-c", "my-vexxhost").code == 0


@pytest.mark.parametrize("noun", [noun for noun in NOUNS.values() if "show" in noun.verbs], ids=lambda noun: noun.name)
def test_what_is_shown_is_one_thing_by_its_name(noun: Noun) -> None:
    verb, arguments = verb_of(noun, "show")
    told = typing.get_type_hints(verb)["return"]
    kinds = [each for each in typing.get_args(told) or (told,) if each is not type(None)]
    assert all(each is Any or issubclass(each, Resource) for each in kinds)
    *_, last = [argument.name for argument in arguments if argument.required]
    assert last in ("name_or_id", "name", "id")


def test_no_option_changes_nothing() -> None:
    for noun, verb, idle in (("container", "show", "skip_cache"), ("object", "delete", "meta")):
        assert idle not in [argument.name for argument in verb_of(NOUNS[noun], verb)[1]]


@pytest.mark.parametrize("noun", ["object", "image"])
def test_a_dash_is_standard_input_and_output(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noun: str
) -> None:
    box = ("box",) if noun == "object" else ()
    more = () if noun == "object" else ("--disk-format", "raw", "--wait")
    for pipe in (True, False):
        text = f"content {pipe}\n" * 1000
        with contextlib.ExitStack() as files:
            monkeypatch.setattr("sys.stdin", files.enter_context(_given(tmp_path / "given", text, pipe=pipe)))
            assert shell(noun, "create", *box, "thing", "--filename", "-", *more, "-c", "my-vexxhost").code == 0
        said = shell(noun, "save", *box, "thing", "-", "-c", "my-vexxhost")
        assert (said.code, said.out) == (0, text)
        assert not (tmp_path / "-").exists()
        said = shell(noun, "save", *box, "thing", "--odd", "-c", "my-vexxhost")
        assert (said.code, "there is no option --odd" in said.err) == (1, True)
        assert shell(noun, "delete", *box, "thing", "-c", "my-vexxhost").code == 0
    shell("container", "delete", "box", "-c", "my-vexxhost")


def test_an_object_called_dash_is_saved_as_a_file(shell: Shell, tmp_path: Path) -> None:
    names = ("-", "folder/--odd")
    for name in names:
        assert shell("object", "create", "box", "--data", f"text {name}", "-c", "my-vexxhost", "--", name).code == 0
        said = shell("object", "save", "box", "-c", "my-vexxhost", "--", name)
        file = name.rpartition("/")[2]
        assert (said.code, said.out) == (0, f"{file}\n")
        assert (tmp_path / file).read_text() == f"text {name}"
    said = shell("object", "save", "box", "-c", "my-vexxhost", "--", "-", "-")
    assert (said.code, said.out) == (0, "text -")
    assert shell("object", "delete", "box", "-c", "my-vexxhost", "--", *names).code == 0
    assert shell("container", "delete", "box", "-c", "my-vexxhost").code == 0


@pytest.mark.parametrize("noun", ["object", "image"])
def test_a_reader_that_has_enough_of_a_download_is_no_error(
    shell: Shell, tmp_path: Path, configured: Path, noun: str
) -> None:
    box = ("box",) if noun == "object" else ()
    more = () if noun == "object" else ("--disk-format", "raw", "--wait")
    path = tmp_path / "large"
    path.write_bytes(bytes(1_000_000))
    assert shell(noun, "create", *box, "thing", "--filename", str(path), *more, "-c", "my-vexxhost").code == 0
    main = f"{sys.executable} -m aiocloud.cli"
    command = f"set -o pipefail; {main} {noun} save {' '.join([*box, 'thing'])} - -c my-vexxhost | head -c 1 | wc -c"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "1", "")
    assert shell(noun, "delete", *box, "thing", "-c", "my-vexxhost").code == 0
    shell("container", "delete", "box", "-c", "my-vexxhost")


@pytest.mark.parametrize("arguments", ["--help", "server create --help", "config list -o json"])
@pytest.mark.parametrize("end", ["| head -c 1 > read", ">&-", "2>&-"])
def test_nobody_has_to_read_what_is_written(arguments: str, end: str, configured: Path) -> None:
    command = f"set -o pipefail; {sys.executable} -m aiocloud.cli {arguments} {end}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False, cwd=configured.parent
    )
    assert (done.returncode, done.stderr) == (0, "")


def _given(path: Path, text: str, *, pipe: bool) -> IO[str]:
    """Standard input, as a shell gives it: from a pipe, or from a file."""
    if not pipe:
        path.write_text(text)
        return path.open()
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return os.fdopen(read)


def test_every_verb_says_what_it_is_for(shell: Shell) -> None:
    for noun in NOUNS:
        rows = [line for line in shell(noun, "--help").out.splitlines() if line.startswith("│ ")]
        assert rows
        assert not [row for row in rows if len(row.strip("│ ").split()) == 1 and row[2] != " "]


def test_a_folder_is_made_like_one_container(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "file").write_text("x")
    for down in (("-A",), ("-c", "my-vexxhost,my-citycloud")):
        said = shell("object", "sync", "back", "box", "--down", "--delete", *down)
        assert (said.code, said.out) == (1, "")
        assert "--down is from one cloud" in said.err
    said = shell("object", "sync", "back", "typo", "--down", "--delete", "-c", "my-vexxhost")
    assert (said.code, (tmp_path / "back" / "file").read_text()) == (4, "x")


def test_an_image_goes_up_and_comes_down(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(b"\0" * 70_000)
    arguments = ("--filename", "disk.raw", "--disk-format", "raw", "--wait", "-c", "my-vexxhost")
    assert shell("image", "create", "disk", *arguments).code == 0
    assert shell("image", "save", "disk", "copy.raw", "-c", "my-vexxhost").code == 0
    assert (tmp_path / "copy.raw").read_bytes() == (tmp_path / "disk.raw").read_bytes()
    assert shell("image", "delete", "disk", "-c", "my-vexxhost").code == 0
    said = shell("image", "save", "disk", "copy.raw", "-c", "my-vexxhost")
    assert (said.code, said.err) == (4, "aiocloud: my-vexxhost ca-ymq-1: there is no image 'disk'\n")


def test_a_name_can_not_steer_the_terminal(shell: Shell) -> None:
    shell("network", "create", "\x1b[31mred\x1b[0m [bold]x", "-c", "my-citycloud")
    for form in ("table", "json", "yaml", "csv", "name"):
        said = shell("network", "list", "-c", "my-citycloud", "-o", form)
        assert "[bold]x" in said.out
        assert "\x1b" not in said.out
    said = shell("network", "delete", "\x1b[31mred\x1b[0m [bold]x", "-c", "my-citycloud")
    assert "\x1b" not in said.out + said.err
    assert said.code == 0


def test_a_raw_request(shell: Shell) -> None:
    assert "servers" in shell("api", "compute", "GET", "/servers", "-c", "my-vexxhost").json
    said = shell("api", "compute", "get", "servers?limit=1", "-i", "-c", "my-vexxhost")
    assert said.out.startswith("200 OK\n")
    assert shell("api", "compute", "GET", "/servers", "--query", "length(servers)", "-c", "my-vexxhost").json == 0
    made = shell("api", "network", "POST", "/networks", "--body", '{"network": {"name": "raw"}}', "-c", "my-citycloud")
    assert made.json["network"]["name"] == "raw"
    assert shell("network", "delete", "raw", "-c", "my-citycloud").code == 0
    assert shell("api", "compute", "GET", "/nope", "-c", "my-vexxhost").code == 4
    assert one_sentence(shell("api", "compute", "GET", "/servers", "--body", "{", "-c", "my-vexxhost").err)


def test_settings_and_where_they_come_from(shell: Shell, configured: Path) -> None:
    said = shell("config", "show", "--cloud", "my-citycloud", "--origin", "-o", "json")
    rows = {row["key"]: row for row in said.json}
    assert rows["auth.password"]["value"] == "***"
    assert rows["auth.username"]["origin"].startswith(f"{configured}:")
    assert {row["cloud"] for row in shell("config", "list", "-o", "json").json} == CLOUDS


def test_the_doctor_finds_nothing_wrong(shell: Shell) -> None:
    said = shell("doctor")
    assert (said.code, "FAIL" in said.out, "WARN" in said.out) == (0, False, False)
    assert all(cloud in said.out for cloud in CLOUDS)


def test_the_doctor_says_what_to_do(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    written["clouds"]["my-vexxhost"]["auth"]["auth_url"] = "http://127.0.0.1:1/v3"
    written["clouds"]["my-citycloud"]["auth"]["password"] = "wrong"
    configured.write_text(yaml.safe_dump(written))
    configured.chmod(0o644)
    said = shell("doctor", "-o", "json")
    assert said.code == 3
    failed = {(row["cloud"], row["what"]): row["advice"] for row in said.json if row["state"] == "failed"}
    assert set(failed) == {("my-vexxhost", "connection"), ("my-citycloud", "login")}
    assert all(failed.values())
    assert {row["advice"] for row in said.json if row["state"] == "warning"} == {f"run: chmod 600 {configured}"}
    written["clouds"]["my-citycloud"] = {"auth": {"username": "nobody"}}  # no place to log in
    written["clouds"]["my-internap"]["auth"]["password"] = "wrong"
    configured.write_text(yaml.safe_dump(written))
    assert shell("doctor").code == 1


def test_the_doctor_does_not_wait_long_for_a_silent_cloud(
    shell: Shell, configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiocloud.cli.doctor._ANSWER", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        written = yaml.safe_load(configured.read_text())
        written["clouds"]["my-vexxhost"]["auth"]["auth_url"] = f"http://127.0.0.1:{silent.getsockname()[1]}/v3"
        written["clouds"]["my-citycloud"]["compute_endpoint_override"] = written["clouds"]["my-vexxhost"]["auth"][
            "auth_url"
        ]
        configured.write_text(yaml.safe_dump(written))
        said = shell("doctor", "-o", "json")
    assert said.code == 3
    failed = {row["cloud"]: row for row in said.json if row["state"] == "failed"}
    assert {(row["cloud"], row["what"]) for row in failed.values()} == {
        ("my-vexxhost", "login"),
        ("my-citycloud", "compute"),
    }
    assert all("within 0.3 s" in row["found"] for row in failed.values())
    assert "swallows what is sent" in failed["my-vexxhost"]["advice"]


def test_the_doctor_names_the_setting_of_a_service(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    written["clouds"]["my-vexxhost"] |= {
        "compute_default_microversion": "2.999",
        "volume_endpoint_override": "http://127.0.0.1:1/v3",
    }
    configured.write_text(yaml.safe_dump(written))
    said = shell("doctor", "-c", "my-vexxhost", "-o", "json")
    failed = {row["what"]: row for row in said.json if row["state"] == "failed"}
    assert set(failed) == {"compute", "block-storage"}
    assert "2.999" in failed["compute"]["found"]
    assert all(f"{configured}:" in row["advice"] for row in failed.values())


def test_the_doctor_tells_plain_http_from_a_wrong_certificate(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    auth = written["clouds"]["my-vexxhost"]["auth"]
    auth["auth_url"] = auth["auth_url"].replace("http://", "https://")
    configured.write_text(yaml.safe_dump(written))
    said = shell("doctor", "-c", "my-vexxhost", "-o", "json")
    [failed] = [row for row in said.json if row["state"] == "failed"]
    assert failed["what"] == "TLS"
    assert "http://" in failed["advice"]


def test_the_doctor_names_the_file_that_tls_needs(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    cloud = written["clouds"]["my-vexxhost"]
    cloud["auth"]["auth_url"] = cloud["auth"]["auth_url"].replace("http://", "https://")
    cloud["cacert"] = "/nowhere.pem"
    configured.write_text(yaml.safe_dump(written))
    said = shell("doctor", "-c", "my-vexxhost", "-o", "json")
    [failed] = [row for row in said.json if row["state"] == "failed"]
    assert failed["found"].count("cacert") == 1
    assert f"is the file right that {configured}:" in failed["advice"]


def test_a_cleanup_in_a_dry_run_removes_nothing(shell: Shell) -> None:
    assert shell("network", "create", "old", "-c", "my-citycloud").code == 0
    planned = shell("cleanup", "--dry-run", "-c", "my-citycloud", "-o", "json", "--skip", "network.router")
    assert ("network.network", "old", "would be removed") in {(r["kind"], r["name"], r["result"]) for r in planned.json}
    assert shell("network", "show", "old", "-c", "my-citycloud").code == 0
    assert shell("network", "delete", "old", "-c", "my-citycloud").code == 0


def test_a_cleanup_asks_first(shell: Shell) -> None:
    said = shell("cleanup", "-c", "my-citycloud")
    assert said.code == 1
    assert "--yes" in said.err


# How commands end


def test_an_unknown_cloud_is_one_sentence(shell: Shell) -> None:
    said = shell("server", "list", "-c", "my-vexhost")
    assert said.code == 1
    assert one_sentence(said.err)
    assert "my-vexxhost" in said.err


def test_no_clouds_yaml_is_one_sentence(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "nope.yaml"))
    said = shell("server", "list")
    assert said.code == 1
    assert one_sentence(said.err)


@pytest.mark.parametrize(
    "command",
    [("server", "list", "-A"), ("doctor",), ("watch", "--once"), ("inventory", "--list"), ("cleanup", "--dry-run")],
)
def test_where_a_clouds_yaml_was_looked_for_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.delenv("OS_CLIENT_CONFIG_FILE")
    Path("clouds.yaml").unlink()
    said = shell(*command)
    assert (said.code, said.out) == (1, "")
    assert one_sentence(said.err)
    assert ".config/openstack/clouds.yaml" in said.err


def test_a_port_that_is_taken_is_told(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = shell("watch", "--web", "--port", port)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"aiocloud: port {port} can't be served: ")


def test_bytes_that_are_no_text_are_one_sentence(shell: Shell) -> None:
    """As a shell gives what its encoding can't say."""
    for command in (("network", "show"), ("network", "create"), ("server", "delete")):
        said = shell(*command, "lan\udcff", "-c", "my-citycloud")
        assert (said.code, said.out) == (1, "")
        assert one_sentence(said.err)
        assert "\\udcff" in said.err
        assert "Error" not in said.err


def test_a_region_that_no_cloud_has_is_told(shell: Shell) -> None:
    said = shell("server", "list", "-A", "-r", "nowhere")
    assert (said.code, said.out) == (1, "")
    assert "no cloud has a region 'nowhere'" in said.err


def test_a_wrong_password_is_5(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    written["clouds"]["my-vexxhost"]["auth"]["password"] = "wrong"
    configured.write_text(yaml.safe_dump(written))
    said = shell("server", "list", "-c", "my-vexxhost")
    assert said.code == 5
    assert one_sentence(said.err)
    assert "wrong" not in said.err
    assert shell("server", "list", "--all-clouds").code == 3


def test_an_unreachable_cloud_costs_the_others_nothing(shell: Shell, configured: Path) -> None:
    written = yaml.safe_load(configured.read_text())
    written["clouds"]["my-vexxhost"]["auth"]["auth_url"] = "http://127.0.0.1:1/v3"
    configured.write_text(yaml.safe_dump(written))
    said = shell("flavor", "list", "-A", "-o", "json")
    assert said.code == 3
    assert {row["cloud"] for row in said.json} == CLOUDS - {"my-vexxhost"}
    assert one_sentence(said.err)
    assert shell("flavor", "list", "-c", "my-vexxhost").code == 1


@pytest.mark.parametrize(
    "arguments",
    [("nope",), ("server", "nope"), ("server", "show"), ("server", "list", "--nope"), ("server", "list", "-o", "xml")],
)
def test_wrong_usage_is_2(shell: Shell, arguments: tuple[str, ...]) -> None:
    said = shell(*arguments)
    assert said.code == 2
    assert one_sentence(said.err)
    assert "--help" in said.err


def test_an_option_before_the_command_is_told_its_place(shell: Shell) -> None:
    said = shell("--cloud=my-vexxhost", "server", "list")
    assert said.code == 2
    assert one_sentence(said.err)
    assert said.err.startswith("aiocloud: --cloud stands before the command.")


def test_what_takes_several_steps_explains_itself(shell: Shell) -> None:
    told = " ".join(shell("server", "create", "--help").out.split())
    assert "it comes back ACTIVE" in told
    assert "Raises" not in told
    told = " ".join(shell("volume", "create", "--help").out.split())
    assert "in the error's `leftovers`." in told
    assert "Raises" not in told


def test_a_missing_file_is_one_sentence(shell: Shell) -> None:
    said = shell("image", "create", "x", "--filename", "nope.qcow2", "-c", "my-vexxhost")
    assert said.code == 1
    assert one_sentence(said.err)


def test_every_request_names_us(shell: Shell, served: FakeCloud) -> None:
    served.requests.clear()
    assert shell("server", "list", "-c", "my-vexxhost").code == 0
    assert served.requests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["terminal", "background"])
def test_a_signal_ends_a_command_unless_the_shell_has_it_ignored(
    configured: Path, served: FakeCloud, number: signal.Signals, where: str
) -> None:
    ignored = "trap '' INT" if where == "background" else "true"  # what a script does for `aiocloud ... &`
    command = f"{ignored}; exec {sys.executable} -W error -m aiocloud.cli network list -c my-vexxhost"
    with subprocess.Popen(["sh", "-c", command], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def strike(reply: Reply) -> Reply:
            process.send_signal(number)
            if (where, number) == ("background", signal.SIGINT):
                return reply
            raise Cut("silence")

        served.fault(Fault(service="network", method="GET", path="*/networks", mutate=strike))
        _, err = process.communicate(timeout=60)
    heeded = (130, "Interrupted.\n")
    assert (process.returncode, err) == ((0, "") if (where, number) == ("background", signal.SIGINT) else heeded)


def test_a_signal_ends_the_board_while_a_page_is_open(configured: Path) -> None:
    assert configured.exists()
    command = [sys.executable, "-W", "error", "-m", "aiocloud.cli", "watch", "--web", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = urlsplit(process.stdout.readline())
        with socket.create_connection((url.hostname, url.port), 30) as page:
            page.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert page.recv(100).startswith(b"HTTP/1.1 200")
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "Interrupted.\n")


def test_a_signal_ends_a_download_whose_reader_is_silent(shell: Shell, served: FakeCloud, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(1_000_000))
    sent = ("--filename", str(path), "--disk-format", "raw", "--wait")
    assert shell("image", "create", "thing", *sent, "-c", "my-vexxhost").code == 0
    command = [sys.executable, "-m", "aiocloud.cli", "image", "save", "thing", "-", "-c", "my-vexxhost"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"\0"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=30) == 130
        finally:
            process.kill()
    assert shell("image", "delete", "thing", "-c", "my-vexxhost").code == 0
