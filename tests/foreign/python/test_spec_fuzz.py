"""What the description of the API allows, and much that it does not, as
schemathesis makes it up, signed as a merchant or a brand: the sandbox answers
with a documented status, a signature and a body of the described form, and
never with a 500."""

import json
import re
import zlib
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import wire
from sandbox import CODE, Sandbox

SPEC = Path(__file__).parents[3] / "spec/openapi.json"
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_path(SPEC).get_all_operations()]
EXAMPLES_PER_OPERATION = 25
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="session")
def fuzzed():
    """A sandbox of its own: what is made up is not cleared away between calls."""
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


def test_the_sandbox_serves_the_description(fuzzed):
    assert fuzzed.control("GET", "/openapi.json") == json.loads(SPEC.read_text(encoding="utf-8"))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"])
def test_nothing_made_up_breaks_the_sandbox(operation, fuzzed):
    [tag] = operation.definition.raw["tags"]
    caller = wire.merchant(fuzzed) if tag == "partner" else wire.brand(fuzzed)

    @settings(max_examples=EXAMPLES_PER_OPERATION, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def check(case):
        send(case, fuzzed, caller)

    check()


def send(case, sandbox, caller):
    name_what_exists(case, sandbox)
    seal(case.body, caller)
    request = requests.Request(**case.as_transport_kwargs(base_url=sandbox.base_url)).prepare()
    signed = signed_part(request)
    stamped = caller.stamped(request.method, request.path_url, signed or b"")
    request.headers.update(wire.ORDINARY_HEADERS | {
        "Authorization": f"{caller.scheme} {wire.items(**stamped)}",
        "Wechatpay-Serial": next(iter(caller.wechatpay_keys)),
    })
    with requests.Session() as session:
        response = session.send(request, timeout=30, allow_redirects=False)
    if signed is None:
        assert response.status_code == 401
        return
    answer = wire.Answer(response.status_code, response.headers, response.content)
    caller.signer_of(answer)
    assert answer.status < 400 or answer.code != "NOT_FOUND", "the sandbox does not have this address"
    case.validate_response(response, checks=CHECKS)


def name_what_exists(case, sandbox):
    """Made-up ids would all end at the first door, so most of them become ones
    that exist; a few stay as they are."""
    known = {"brand_id": sandbox["brand_id"], "card_id": sandbox["card_id"],
             "openid": sandbox["openid"], "user_card_code": CODE}
    for place in (case.path_parameters, case.query, case.body):
        if not isinstance(place, dict):
            continue
        for name, value in known.items():
            if isinstance(place.get(name), str) and zlib.crc32(place[name].encode("utf-8", "replace")) % 8:
                place[name] = value


def seal(members, caller):
    """Members that travel sealed become values that open, if they are texts."""
    if isinstance(members, list):
        for member in members:
            seal(member, caller)
    if not isinstance(members, dict):
        return
    for name, member in members.items():
        if name in ("phone_number", "value") and isinstance(member, str):
            members[name] = caller.seal(member[:20])
        elif name == "user_chosen_values" and isinstance(member, list):
            members[name] = [caller.seal(text[:20]) if isinstance(text, str) else text for text in member]
        else:
            seal(member, caller)


def signed_part(request):
    """The body, or of an upload its part `meta`; None if there is no such part."""
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        return body
    found = re.search(rb'name="meta"[^\r]*(?:\r\n[^\r]+)*\r\n\r\n(.*?)\r\n--', body, re.S)
    return found[1] if found else None
