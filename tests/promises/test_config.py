"""R16: a wrong clouds.yaml is one ConfigError that says where; nothing else comes out, and nothing passes unnoticed."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aiocloud.config.keys import AUTH
from aiocloud.config.load import load_config
from aiocloud.config.schema import CloudConfig
from aiocloud.errors import ConfigError
from tests.promises.report import report, size

pytestmark = pytest.mark.promise

SEED = 16
BASE = """\
client:
  force_ipv4: true
clouds:
  my-citycloud:
    profile: citycloud
    auth:
      username: mordred
      password: "p{a}ss"
      project_id: 65222a4d09ea4c68934fa1028c77f394
      user_domain_id: d0919bd5e8d74e49adf0e145807ffc38
    api_timeout: 30
    compute_default_microversion: "2.79"
    rate_limit:
      compute: 10
  my-internap: &internap
    auth:
      auth_url: https://identity.api.cloud.inap.com
      username: api-55f9a00fb2619
      password: secret
      project_name: inap-17037
    identity_api_version: 3
    image_endpoint_override: https://image.example.com/v2
    floating_ip_source: None
    interface: [internal, public]
    timing: true
    regions:
    - name: ams01
      values:
        networks:
        - name: inap-17037-WAN1654
          routes_externally: true
          default_interface: true
        - name: inap-17037-LAN3631
          nat_source: true
    - da01
  another:
    <<: *internap
    has_network: false
    connect_retries: 2
"""

FLAGS = ("verify", "private", "force_ipv4", "prefer_ipv6", "timing", "image_api_use_tasks", "has_network", "insecure")
COUNTS = ("connect_retries", "status_code_retries", "image_connect_retries", "volume_status_code_retries")
NUMBERS = ("api_timeout", "connect_retry_delay", "compute_status_code_retry_delay", "rate_limit", "concurrency")
TEXTS = (
    "region_name",
    "image_format",
    "profile",
    "cacert",
    "cert",
    "key",
    "auth_type",
    "vendor_hook",
    "compute_service_name",
)
MAPPINGS = ("auth", "disable_vendor_agent", "additional_metric_tags")
VERSIONS = ("identity_api_version", "compute_api_version", "volume_api_version", "image_api_version")
WRONG: dict[tuple[str, ...], tuple[str, ...]] = {
    FLAGS: ("perhaps", "2", "[true]", "{a: true}", "tru", "!!python/name:os.system x", "'tr\\\nue'"),
    COUNTS: ("-1", "many", "1.5", "[1]", "{a: 1}", ".inf", "0x10", "1:30"),
    NUMBERS: ("-1", "soon", "[1]", ".nan", "10s", "true"),
    TEXTS: ("[a]", "{a: b}", '"a\\nb"', '"\\e[31m"', '"\\0"', "&a [*a]", "*nowhere"),
    MAPPINGS: ("a", "[a]", "3", "{a: {b: {}}, a: 1}", "true"),
    VERSIONS: ("newest", "[3]", "{a: 3}", "3.x", "-1", "v"),
    ("auth_url", "image_endpoint_override"): ("h", "ftp://h", "https://", "//h", "[a]", "https://u:p@h", "'https://a b'", "https://h:x"),
    ("interface", "image_interface"): ("privat", "[public, x]", "[]", "{a: b}", "[[public]]"),
    ("floating_ip_source", "secgroup_source"): ("quantum", "[neutron]", "{a: b}", "true"),
    ("networks",): ("n", "{a: b}", "[n]", "[{}]", "[{name: [a]}]", "[{name: a, nat: true}]", "[{name: a, nat_source: x}]"),
    ("regions",): ("{a: b}", "[[a]]", "[{}]", "[a, a]", "[{name: a, values: 3}]", "[{name: a, network: []}]", "[{name: [a]}]"),
    ("retriable_status_codes",): ("[200]", "x", "[x]", "{a: b}", "99999"),
}  # fmt: skip
MISSPELT = """
verfiy insecre cacrt intreface region_nmae regons profle auth_typ auht api_timeot netwroks floating_ip_sorce has_netwrk
has_compte compute_api_verson image_endpoint_overide network_interfce volume_api_versoin identity_api_versin usrname
pasword project_nam user_domain_nme force_ipv5 prefer_ipv7 privte image_fromat rate_limt concurency conect_retries
status_code_retris vendor_hok use_external_netwrk aut_url tokn secgroup_sorce connect_retry_dely timng
""".split()  # noqa: SIM905
MISSPELT_IN_AUTH = """
usernam usrname passwrd project_nme project_idd user_domain_nam auth_ur tokn aplication_credential_id acess_token trust_di
system_scop domain_nam pascode client_secrt
""".split()  # noqa: SIM905
SYNTAX = (
    "clouds: [", "clouds: {", "clouds:\n\ta: b", "clouds: 'a", 'clouds: "a', "clouds: a: b", "clouds:\n  a: 1\n b: 2",
    "clouds: {a: {}}\nclouds: {}", "clouds: {a: {}, a: {}}", "clouds: []", "clouds: text", "- clouds", "cluods: {}", "text",
    "clouds: {a: [b]}", "clouds: {a: text}", "clouds: {[a]: b}", "clouds: {'': {}}", "clouds: *a", "clouds: &a [*a]",
    "clouds: !!set {a}", "clouds: {}\n---\nclouds: {}", "clouds: {a: {<<: 3}}", "clouds: \x01", "clouds: {a: \x7f}",
    "%BAD\n---\nclouds: {}", "clouds: @a", "clouds: `a`", "clouds: >x\n  a", "clouds: {client: 1", "[[[[", "}{", "a: b: c",
    "clouds:\n  - a\n  b: c", "clouds: {a: {auth: *b}}", "client: [a]", "public-cloud: {}", "clouds: " + "[" * 100,
)  # fmt: skip


def hand_written() -> Iterator[str]:
    """Files with one fault each, as people make them."""
    login = "auth_url: https://h\n    username: u\n    password: p"
    for keys, texts in WRONG.items():
        for key in keys:
            for text in texts:
                rest = login if key != "auth_url" else "username: u"
                yield f"clouds:\n  mine:\n    {rest}\n    {key}: {text}\n"
    for key in MISSPELT:
        yield f"clouds:\n  mine:\n    {login}\n    {key}: x\n"
    for key in MISSPELT_IN_AUTH:
        yield f"clouds:\n  mine:\n    auth:\n      auth_url: https://h\n      {key}: x\n"
    yield from SYNTAX


class Outcome:
    """What came of a file: its configs, or one ConfigError with its place; anything else is a broken promise."""

    def __init__(self, path: Path, remarks: pytest.LogCaptureFixture) -> None:
        remarks.clear()
        self.configs: dict[tuple[str, str | None], CloudConfig] = {}
        self.error: ConfigError | None = None
        self.raw: Exception | None = None
        try:
            read = load_config(config_files=[path], secure_files=[], environ={})
            for name in read.cloud_names:
                for region in read.regions(name):
                    self.configs[name, region] = read.cloud(name, region)
        except ConfigError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001
            self.raw = error
        self.remarks = len(remarks.records)

    @property
    def clear(self) -> bool:
        """One error that names file, line and column; and the key, unless it is not YAML at all."""
        error = self.error
        return (
            error is not None and None not in (error.file, error.line, error.column) and "Traceback" not in str(error)
        )


def test_hand_written_mistakes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "clouds.yaml"
    texts = list(hand_written())
    unclear: list[tuple[str, str]] = []
    accepted: list[str] = []
    for text in texts:
        path.write_text(text)
        outcome = Outcome(path, caplog)
        if outcome.error is None and outcome.raw is None:
            accepted.append(text)
        elif not outcome.clear or (outcome.error is not None and not outcome.error.key and text not in SYNTAX):
            unclear.append((text, repr(outcome.error or outcome.raw)))
    assert len(texts) >= 300
    got = {"unclear": len(unclear), "silently accepted": len(accepted)}
    report("R16 hand-written", n=len(texts), target={"unclear": 0, "silently accepted": 0}, got=got)
    assert not unclear
    assert not accepted


PIECES = (
    "\t", "  ", "\n",
    ":", ": ", "- ", "'", '"', "{", "}", "[", "]", "&a ", "*a", "*internap", "!!x ", "<<: ", "#", "%",
    "@", "|", ">",
    "?", "\x00", "\x1b", "\u2028", "é", "\ud7ff", "null", "NO", "0123", "---\n", "...\n",
    "true", "-1", "~", ",", "\\", "{region_name}",
)  # fmt: skip


def mutated(random_: random.Random) -> str:
    """The base file with one to three changes."""
    text = BASE
    for _ in range(random_.choice((1, 1, 1, 2, 3))):
        text = random_.choice((_letter, _letter, _line, _piece, _truncated, _swapped))(text, random_)
    return text


def _letter(text: str, random_: random.Random) -> str:
    at = random_.randrange(len(text) or 1)
    return text[:at] + random_.choice(("", chr(random_.randrange(32, 127)), text[at : at + 1] * 2)) + text[at + 1 :]


def _piece(text: str, random_: random.Random) -> str:
    at = random_.randrange(len(text) + 1)
    return text[:at] + random_.choice(PIECES) + text[at:]


def _line(text: str, random_: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = random_.randrange(len(lines))
    lines[at : at + 1] = random_.choice(([], [lines[at]] * 2, [" " + lines[at]], [lines[at].removeprefix("  ")]))
    return "".join(lines)


def _truncated(text: str, random_: random.Random) -> str:
    return text[: random_.randrange(len(text) + 1)]


def _swapped(text: str, random_: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    one, other = random_.randrange(len(lines)), random_.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def meaning(text: str) -> Any:
    """The file as the plain YAML reader understands it, for comparison."""
    try:
        return yaml.load(text, Loader=yaml.CBaseLoader)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError):
        return None


def gathered(cloud: dict[str, Any]) -> dict[str, Any]:
    """A cloud whose keys of `auth` all stand in `auth`: they may stand beside it too."""
    auth = cloud.get("auth")
    if not isinstance(auth, dict):
        return cloud
    beside = {key: value for key, value in cloud.items() if key in AUTH}
    return {**{key: value for key, value in cloud.items() if key not in AUTH}, "auth": {**auth, **beside}}


@pytest.mark.parametrize("seed", [SEED])
def test_mutated_files(tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int) -> None:
    caplog.set_level(logging.WARNING, "aiocloud.config")
    random_ = random.Random(seed)
    path = tmp_path / "clouds.yaml"
    path.write_text(BASE)
    unchanged = Outcome(path, caplog)
    assert len(unchanged.configs) == 10
    assert not unchanged.remarks
    n = size(1_000, 20_000)
    raw: list[tuple[str, str]] = []
    unclear: list[tuple[str, str]] = []
    unnoticed: list[str] = []
    for _ in range(n):
        text = mutated(random_)
        path.write_text(text, errors="surrogatepass")
        outcome = Outcome(path, caplog)
        if outcome.raw is not None:
            raw.append((text, repr(outcome.raw)))
        elif outcome.error is not None and not outcome.clear:
            unclear.append((text, str(outcome.error)))
        elif outcome.error is None and outcome.configs == unchanged.configs and not outcome.remarks:
            unnoticed += [text] if not same_meaning(meaning(text), meaning(BASE)) else []
    got = {"raw exceptions": len(raw), "unclear": len(unclear), "silently accepted": len(unnoticed)}
    report("R16 mutated", n=f"{n}, seed {seed}", target=dict.fromkeys(got, 0), got=got)
    assert not raw
    assert not unclear
    assert not unnoticed


def same_meaning(one: Any, other: Any) -> bool:
    """Equal, up to the order of keys, and to what nobody could tell apart: `true` and `True`, 3 and 3.0, null and absent."""
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = gathered(one), gathered(other)
        keys = {key for tree in (one, other) for key, value in tree.items() if value not in ("", "~", "null", None, {})}
        return all(same_meaning(one.get(key), other.get(key)) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_meaning, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _number(one) == _number(other) or one.lower() == other.lower()
    return bool(one == other)


def _number(text: str) -> float | str:
    try:
        return float(text.lstrip("vV"))
    except ValueError:
        return text
