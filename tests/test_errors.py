"""An error is the same error in another process, without what must not go there."""

from __future__ import annotations

import pickle

import pytest
from pydantic import SecretStr

from aiocloud._http import httpx
from aiocloud.complaint import error_from
from aiocloud.errors import CloudError, ConfigError, Leftover, MoreFactorsNeeded, NotFound, Timeout


def test_a_pickled_error_keeps_its_facts_and_leaves_request_and_answer_behind() -> None:
    headers = {"X-Auth-Token": "canary-token"}
    request = httpx.Request("POST", "https://c.test/servers", headers=headers, json={"adminPass": "canary-pass"})
    answer = httpx.Response(
        404, json={"token": "canary-answer"}, headers={"X-Subject-Token": "canary"}, request=request
    )
    error = error_from(answer, "alpha", "one", "compute")
    error.leaving([Leftover("server", "1")])
    dumped = pickle.dumps(error)
    assert b"canary" not in dumped
    again = pickle.loads(dumped)
    assert type(again) is type(error) is NotFound
    assert str(again) == str(error)
    assert (again.cloud, again.status_code, again.leftovers) == ("alpha", 404, (Leftover("server", "1"),))
    assert again.response is None


def test_an_errors_url_shows_no_signature() -> None:
    request = httpx.Request("GET", "https://c.test/v1/a/box/o?temp_url_sig=canary&prefix=x")
    error = error_from(httpx.Response(403, request=request), "alpha", "one", "object-store")
    assert error.url == "https://c.test/v1/a/box/o?temp_url_sig=***&prefix=x"
    assert "canary" not in repr(vars(error))
    assert b"canary" not in pickle.dumps(error)


def test_a_receipt_stays_here() -> None:
    response = httpx.Response(401, request=httpx.Request("POST", "https://c.test/"))
    error = MoreFactorsNeeded("more is needed", response=response)
    error.receipt = SecretStr("canary")
    assert b"canary" not in pickle.dumps(error)
    assert pickle.loads(pickle.dumps(error)).receipt is None


@pytest.mark.parametrize("error", [CloudError("m", cloud="c"), Timeout("late"), ConfigError("bad", file="f", line=3)])
def test_errors_without_an_answer_travel_too(error: CloudError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("kind", [CloudError, Timeout, ConfigError, NotFound, MoreFactorsNeeded])
def test_a_job_queue_makes_an_error_again_of_what_its_worker_had(kind: type[CloudError]) -> None:
    """taskiq and Celery keep the class and `args`, as JSON."""
    message = "compute answered 403 to POST /servers: Quota exceeded"
    error = kind(*kind(message).args)
    assert type(error) is kind
    assert (str(error), error.status_code, getattr(error, "response", None)) == (message, None, None)
    assert message in repr(error)
    assert str(pickle.loads(pickle.dumps(error))) == message
