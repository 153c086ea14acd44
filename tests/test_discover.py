"""Version documents of many services in their many shapes: where they answer, and what they speak."""

from __future__ import annotations

from typing import Any

import pytest

from aiocloud.discover import (
    Discovered,
    Microversion,
    candidates,
    choose,
    microversion,
    negotiate,
    undiscovered,
    versions,
    without_discovery,
)
from aiocloud.errors import InvalidRequest, NormalizationError, Unsupported


def link(href: str, rel: str = "self") -> dict[str, str]:
    return {"rel": rel, "href": href}


def version(id_: str, href: str | None, status: str = "CURRENT", **more: Any) -> dict[str, Any]:
    return {"id": id_, "status": status, "links": [] if href is None else [link(href)], **more}


KEYSTONE = {"versions": {"values": [version("v3.14", "http://h:5000/v3/", "stable")]}}
NOVA = {
    "versions": [
        version("v2.0", "http://h:8774/v2/", "DEPRECATED", version="", min_version=""),
        version("v2.1", "http://h:8774/v2.1/", version="2.104", min_version="2.1"),
    ]
}
NOVA_ONE = {"version": NOVA["versions"][1]}
CINDER = {
    "versions": [
        version("v2.0", "http://h:8776/v2/", "DEPRECATED", version="", min_version=""),
        {
            "id": "v3.0",
            "status": "CURRENT",
            "version": "3.71",
            "min_version": "3.0",
            "links": [link("https://docs.openstack.org/", "describedby"), link("http://h:8776/v3/")],
        },
    ]
}
GLANCE = {
    "versions": [
        version(f"v2.{n}", "http://h:9292/v2/", "CURRENT" if n == 18 else "SUPPORTED") for n in range(18, -1, -1)
    ]
}
NEUTRON = {"versions": [version("v2.0", "http://h:9696/v2.0/")]}
PLACEMENT = {"versions": [version("v1.0", "", max_version="1.39", min_version="1.0")]}
IRONIC_V1 = {
    "id": "v1",
    "links": [link("http://h:6385/v1/")],
    "version": version("v1", "http://h:6385/v1/", version="1.94", min_version="1.1"),
}
IRONIC = {"name": "OpenStack Ironic API", "default_version": IRONIC_V1["version"], "versions": [IRONIC_V1["version"]]}
OCTAVIA = {
    "versions": [version(f"v2.{n}", "http://h:9876/v2", "CURRENT" if n == 27 else "SUPPORTED") for n in range(28)]
}
DESIGNATE = {"versions": {"values": [version("v2", "http://h:9001/v2")]}}
HEAT = {"versions": [version("v1.0", "http://h:8004/v1/")]}
MANILA = {
    "versions": [
        version("v1.0", "http://h:8786/v1/", "DEPRECATED", version="", min_version=""),
        version("v2.0", "http://h:8786/v2/", version="2.89", min_version="2.0"),
    ]
}
MAGNUM = {
    "name": "OpenStack Magnum API",
    "versions": [version("v1", "http://h:9511/v1/", max_version="1.11", min_version="1.1")],
}
ZAQAR = {"versions": [version("2", "/v2/"), version("1.1", "/v1.1/", "SUPPORTED")]}
BARBICAN = {"versions": {"values": [version("v1", "http://h:9311/v1/", "stable")]}}


def test_microversions_compare_as_numbers() -> None:
    assert microversion("2.9") < microversion("2.10") < microversion("v3")
    assert str(microversion("2.79")) == "2.79"


@pytest.mark.parametrize("text", ["", "latest", "2.x", "2.1.3", "-1", "2.", "\u0662.\u0661"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        microversion(text)


@pytest.mark.parametrize(
    ("document", "catalog_url", "url", "number", "microversions"),
    [
        (KEYSTONE, "http://h:5000", "http://h:5000/v3", (3, 14), None),
        (KEYSTONE, "http://h:5000/v3/", "http://h:5000/v3", (3, 14), None),
        (NOVA, "http://h:8774/v2.1", "http://h:8774/v2.1", (2, 1), ("2.1", "2.104")),
        (NOVA, "http://h:8774/v2.1/pid", "http://h:8774/v2.1/pid", (2, 1), ("2.1", "2.104")),
        (NOVA, "http://h:8774/v2/pid", "http://h:8774/v2/pid", (2, 0), None),
        (NOVA, "http://h:8774/", "http://h:8774/v2.1", (2, 1), ("2.1", "2.104")),
        (NOVA_ONE, "http://h:8774/v2.1/pid", "http://h:8774/v2.1/pid", (2, 1), ("2.1", "2.104")),
        (CINDER, "http://h:8776/v3/pid", "http://h:8776/v3/pid", (3, 0), ("3.0", "3.71")),
        (CINDER, "http://h:8776/pid", "http://h:8776/v3/pid", (3, 0), ("3.0", "3.71")),
        (GLANCE, "http://h:9292", "http://h:9292/v2", (2, 18), None),
        (GLANCE, "http://h:9292/v2", "http://h:9292/v2", (2, 0), None),
        (NEUTRON, "http://h:9696", "http://h:9696/v2.0", (2, 0), None),
        (PLACEMENT, "http://h:8778", "http://h:8778", (1, 0), ("1.0", "1.39")),
        (PLACEMENT, "http://h/placement", "http://h/placement", (1, 0), ("1.0", "1.39")),
        (IRONIC, "http://h:6385", "http://h:6385/v1", (1, 0), ("1.1", "1.94")),
        (IRONIC_V1, "http://h:6385/v1", "http://h:6385/v1", (1, 0), ("1.1", "1.94")),
        (OCTAVIA, "http://h:9876", "http://h:9876/v2", (2, 27), None),
        (DESIGNATE, "http://h:9001/", "http://h:9001/v2", (2, 0), None),
        (HEAT, "http://h:8004/v1/pid", "http://h:8004/v1/pid", (1, 0), None),
        (MANILA, "http://h:8786/v2/pid", "http://h:8786/v2/pid", (2, 0), ("2.0", "2.89")),
        (MAGNUM, "http://h:9511/v1", "http://h:9511/v1", (1, 0), ("1.1", "1.11")),
        (ZAQAR, "http://h:8888", "http://h:8888/v2", (2, 0), None),
        (BARBICAN, "http://h:9311", "http://h:9311/v1", (1, 0), None),
    ],
)
def test_services_as_they_describe_themselves(
    document: Any, catalog_url: str, url: str, number: tuple[int, int], microversions: tuple[str, str] | None
) -> None:
    found = choose(document, catalog_url=catalog_url, project_id="pid")
    assert found is not None
    assert (found.url, found.version) == (url, number)
    spoken = None if found.minimum is None else (str(found.minimum), str(found.maximum))
    assert spoken == microversions


@pytest.mark.parametrize(
    ("catalog_url", "url"),
    [
        ("https://cloud.test:8774/v2.1/pid", "https://cloud.test:8774/v2.1/pid"),
        ("https://cloud.test/compute/v2.1/pid", "https://cloud.test/compute/v2.1/pid"),
        ("https://cloud.test/compute", "https://cloud.test/compute/v2.1"),
        ("https://h/compute", "https://h/compute/v2.1"),
        ("https://h:443/v2.1", "https://h:443/v2.1"),
    ],
)
def test_a_document_that_lies_about_scheme_host_or_port_is_not_followed(catalog_url: str, url: str) -> None:
    found = choose(NOVA, catalog_url=catalog_url, project_id="pid")
    assert found is not None
    assert found.url == url


@pytest.mark.parametrize(
    ("wanted", "url"),
    [
        ("3", "http://h:8776/v3/pid"),
        ("2", "http://h:8776/v2/pid"),
        ("3.0", "http://h:8776/v3/pid"),
        ("4", None),
        ("2.7", None),
    ],
)
def test_a_configured_version_is_taken_or_nothing(wanted: str, url: str | None) -> None:
    found = choose(CINDER, catalog_url="http://h:8776/v3/pid", wanted=wanted)
    assert (found and found.url) == url


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "v2",
        {"versions": None},
        {"versions": [None, 3, {"id": None}, {"id": "latest"}]},
        {"versions": {"values": 3}},
        {"version": "2"},
    ],
)
def test_what_is_no_version_document_has_no_versions(document: Any) -> None:
    assert versions(document) == ()
    assert choose(document, catalog_url="http://h") is None


@pytest.mark.parametrize(
    "odd",
    [
        {"links": None},
        {"links": [3, {"rel": "self"}]},
        {"links": [{"rel": "self", "href": 5}]},
        {"links": [{"rel": "self", "href": "http://[x"}]},
    ],
)
def test_a_version_without_a_link_is_at_its_usual_place(odd: dict[str, Any]) -> None:
    found = choose({"versions": [{"id": "v2.1", "status": "CURRENT", **odd}]}, catalog_url="http://h/compute")
    assert found == Discovered("http://h/compute/v2", Microversion(2, 1))


@pytest.mark.parametrize(
    ("catalog_url", "urls"),
    [
        ("http://h:8774/v2.1/pid", ("http://h:8774/", "http://h:8774/v2.1/")),
        ("https://h/compute/v2.1", ("https://h/compute/", "https://h/compute/v2.1/")),
        ("https://h/volume/pid", ("https://h/volume/",)),
        ("http://h:9292", ("http://h:9292/",)),
        ("http://h:9292/", ("http://h:9292/",)),
    ],
)
def test_where_documents_are_looked_for(catalog_url: str, urls: tuple[str, ...]) -> None:
    assert candidates(catalog_url, "pid") == urls


@pytest.mark.parametrize(
    ("service_type", "catalog_url", "wanted", "url"),
    [
        ("object-store", "http://h:8080/v1/AUTH_pid", None, "http://h:8080/v1/AUTH_pid"),
        ("network", "http://h:9696", None, "http://h:9696/v2.0"),
        ("network", "http://h:9696/v2.0/", None, "http://h:9696/v2.0"),
        ("network", "http://h:9696", "2", "http://h:9696/v2.0"),
        ("load-balancer", "http://h:9876", None, "http://h:9876/v2.0"),
        ("image", "http://h:9292", "2", "http://h:9292/v2"),
        ("image", "http://h:9292/v1", "2", "http://h:9292/v2"),
        ("identity", "http://h/identity", None, "http://h/identity/v3"),
    ],
)
def test_some_services_need_no_document(service_type: str, catalog_url: str, wanted: str | None, url: str) -> None:
    found = without_discovery(service_type, catalog_url, wanted=wanted, project_id="pid")
    assert found is not None
    assert found.url == url


def test_services_with_microversions_need_their_document() -> None:
    assert without_discovery("compute", "http://h:8774/v2.1") is None


@pytest.mark.parametrize(
    ("service_type", "catalog_url", "url"),
    [
        ("compute", "http://h:8774/v2.1/pid", "http://h:8774/v2.1/pid"),
        ("compute", "http://h:8774", "http://h:8774/v2.1"),
        ("block-storage", "http://h:8776/pid", "http://h:8776/v3/pid"),
        ("rating", "http://h:8889/", "http://h:8889"),
        ("placement", "http://h/placement", "http://h/placement"),
    ],
)
def test_without_a_document_the_catalog_is_taken_at_its_word(service_type: str, catalog_url: str, url: str) -> None:
    assert undiscovered(service_type, catalog_url, project_id="pid").url == url


OLD, NEW = Microversion(2, 1), Microversion(2, 90)


@pytest.mark.parametrize(
    ("wanted", "known", "least", "most", "sent"),
    [
        (None, "2.100", OLD, NEW, "2.90"),
        (None, "2.60", OLD, NEW, "2.60"),
        (None, "2.9", OLD, NEW, "2.9"),
        (None, None, OLD, NEW, None),
        (None, "2.60", Microversion(2, 70), NEW, None),
        (None, "2.60", None, None, None),
        ("2.79", "2.60", OLD, NEW, "2.79"),
        ("latest", None, OLD, NEW, "2.90"),
        ("latest", None, None, None, None),
    ],
)
def test_the_newest_microversion_that_both_sides_know(
    wanted: str | None, known: str | None, least: Microversion | None, most: Microversion | None, sent: str | None
) -> None:
    assert negotiate(wanted, known, least, most) == sent


@pytest.mark.parametrize("bounds", [(OLD, NEW), (None, None)])
def test_a_microversion_that_the_cloud_lacks_is_a_clear_error(
    bounds: tuple[Microversion | None, Microversion | None],
) -> None:
    with pytest.raises(Unsupported, match=r"hostnames needs microversion 2\.91"):
        negotiate("2.91", None, *bounds, what="hostnames")


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999/v2", "http://h:x"])
def test_a_catalog_url_that_is_none_is_said_to_be_none(url: str) -> None:
    with pytest.raises(NormalizationError, match="is not a URL"):
        candidates(url)
