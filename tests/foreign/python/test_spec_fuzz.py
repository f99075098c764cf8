"""Every operation that is described, for both callers: the documented request
is accepted; then members of it are exchanged for what schemathesis makes up,
allowed by the description or not, all of it signed. The sandbox answers with a
documented status, a signature that verifies and a body of the described form
without further members, and never with a 500."""

import hashlib
import itertools
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import wire
from sandbox import CODE, Sandbox

ROOT = Path(__file__).parents[3]
SPEC = json.loads((ROOT / "spec/openapi.json").read_text(encoding="utf-8"))
SAMPLES = ROOT / "crates/kabao-core/tests/samples"
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(SPEC).get_all_operations()]
EXAMPLES_PER_MODE = 15
IDS = {"brand_id", "card_id", "openid", "user_card_code", "activity_id", "record_id"}
PLACES = ["path_parameters", "query", "body"]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

TEMPLATE_VALIDITY = {
    "type": "FIX_TIME_RANGE",
    "available_begin_time": "2020-05-20T13:29:35.120+08:00",
    "available_end_time": "2030-05-20T13:29:35.120+08:00",
}
PICTURE = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="session")
def running():
    """A sandbox of its own: what is made up is cleared away between operations,
    not between calls."""
    sandbox = Sandbox()
    # By the tags of the description. Reading a private key takes its time.
    sandbox.callers = {"partner": wire.merchant(sandbox), "brand": wire.brand(sandbox)}
    yield sandbox
    sandbox.stop()


@pytest.fixture
def fuzzed(running):
    running.reset()
    # Nobody is looked up, nobody listens.
    change = {"brand_id": running["brand_id"], "notify_url": "http://127.0.0.1:1/"}
    target = f"/v3/brand/partner/card-member/cards/{running['card_id']}"
    serial = running["wechatpay_public_key_id"]
    answer = running.callers["partner"].call("PATCH", target, change, serial=serial)
    assert answer.status == 200, answer.body
    return running


def test_the_sandbox_serves_the_description(fuzzed):
    assert fuzzed.control("GET", "/openapi.json") == SPEC


def test_every_operation_is_tried_for_both_callers():
    ids = {operation.definition.raw["operationId"] for operation in OPERATIONS}
    names = {path.stem for path in SAMPLES.glob("*.json")}
    twins = {f"brand_{name}" for name in names if "brand" in documented(name)}
    assert ids == names | twins | {"create_pre_auth_token_old_address"}
    assert (len(names), len(twins)) == (24, 16)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"])
def test_nothing_made_up_breaks_the_sandbox(operation, fuzzed):
    stage = Stage(operation, fuzzed)
    response = stage.send(stage.accepted())
    assert response.status_code == 200, response.text
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        stage.fuzz(mode)


class Stage:
    """One operation, and what has to be there for it to be accepted."""

    def __init__(self, operation, sandbox):
        raw = operation.definition.raw
        self.operation = operation
        self.sandbox = sandbox
        self.name = raw["operationId"].removeprefix("brand_").removesuffix("_old_address")
        [tag] = raw["tags"]
        self.is_brand = tag == "brand"
        self.caller = sandbox.callers[tag]
        self.answer = raw["responses"]["200"]
        self.numbers = itertools.count(1)

    def fuzz(self, mode):
        @settings(max_examples=EXAMPLES_PER_MODE, deadline=None, derandomize=True, database=None,
                  suppress_health_check=list(HealthCheck))
        @given(made_up=self.operation.as_strategy(generation_mode=mode), data=st.data())
        def check(made_up, data):
            case = self.accepted()
            exchange(case, made_up, data.draw)
            self.send(case, sealed=data.draw(st.integers(0, 7)) > 0)

        check()

    def accepted(self):
        """The documented request, about things that are there."""
        sample = documented(self.name)
        target, body = sample["target"], sample.get("body")
        if self.is_brand:
            target = sample["brand"]["target"]
            body = sample["brand"].get("body", without(body, "brand_id"))
        query = dict(parse_qsl(urlsplit(target).query))
        ids = self.ids()
        for place in filter(None, (query, body)):
            place.update({name: value for name, value in ids.items() if name in place})
        if self.name.startswith("import_"):
            body["valid_date_information"] = TEMPLATE_VALIDITY
        if self.name == "upload_image":
            digest = hashlib.sha256(PICTURE).hexdigest()
            meta = {name: value.replace("<64 hex digits>", digest) for name, value in body["meta"].items()}
            body = {"meta": meta, "file": PICTURE}
        in_path = {name: ids[name] for name in re.findall(r"{(\w+)}", self.operation.path)}
        if not body:
            return self.operation.Case(path_parameters=in_path, query=query)
        [media_type] = self.operation.definition.raw["requestBody"]["content"]
        return self.operation.Case(path_parameters=in_path, query=query, body=body, media_type=media_type)

    def ids(self):
        """What the request names; new where the call would use it up."""
        sandbox, number = self.sandbox, next(self.numbers)
        ids = {name: sandbox[name] for name in ("brand_id", "card_id", "openid")}
        ids |= {"user_card_code": CODE, "out_request_no": f"{self.name}-{number}"}
        scope = {name: ids[name] for name in ("brand_id", "card_id")}
        if self.name in ("delete_card", "invalidate_card"):
            ids["card_id"] = self.made("create_card")["card_id"]
        elif "{activity_id}" in self.operation.path:
            ids["activity_id"] = self.made("create_membership_activity")["activity_id"]
        elif self.name in ("confirm_user_card", "invalidate_user_card"):
            ids["openid"] = f"joined-{number}"
            joined = sandbox.control("POST", f"/users/{ids['openid']}/join", scope)
            ids["user_card_code"] = joined["user_card"]["user_card_code"]
        elif self.name.startswith("import_"):
            ids |= {"openid": f"imported-{number}", "user_card_code": f"imported-{number}"}
            ids["phone_number"] = f"1380013{number:04}"
        elif self.name == "confirm_point_exchange_coupon":
            asked = sandbox.control("POST", f"/users/{ids['openid']}/exchange-coupon", scope)["exchange"]
            ids |= {name: asked[name] for name in ("record_id", "exchange_coupon_template_id")}
        return ids

    def made(self, name):
        """What another documented request makes."""
        sample = documented(name)
        body = sample["body"] | {"out_request_no": f"{self.name}-for-{next(self.numbers)}"}
        serial = self.sandbox["wechatpay_public_key_id"]
        answer = self.sandbox.callers["partner"].call("POST", sample["target"], body, serial=serial)
        assert answer.status == 200, answer.body
        return answer.json

    def send(self, case, sealed=True):
        if sealed:
            seal(case.body, self.caller)
        request = requests.Request(**case.as_transport_kwargs(base_url=self.sandbox.base_url)).prepare()
        signed = signed_part(request)
        stamped = self.caller.stamped(request.method, request.path_url, signed or b"")
        request.headers.update(wire.ORDINARY_HEADERS | {
            "Authorization": f"{self.caller.scheme} {wire.items(**stamped)}",
            "Wechatpay-Serial": next(iter(self.caller.wechatpay_keys)),
        })
        with requests.Session() as session:
            response = session.send(request, timeout=30, allow_redirects=False)
        case.validate_response(response, checks=CHECKS)
        if signed is None:
            assert response.status_code == 401
            return response
        answer = wire.Answer(response.status_code, response.headers, response.content)
        self.caller.signer_of(answer)
        assert answer.status < 400 or answer.code != "NOT_FOUND", "the sandbox does not have this address"
        if answer.status == 200:
            [content] = whole(self.answer)["content"].values()
            compare(content["schema"], answer.json, self.caller)
        return response


def documented(name):
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def without(members, name):
    return {known: value for known, value in (members or {}).items() if known != name}


def exchange(good, made_up, draw):
    """Gives a request a member or two of the one that is made up, or all that
    stands in one place. Made-up ids all end at the same door, so most stay."""
    members = [(place, name) for place in PLACES for request in (good, made_up)
               for name in members_in(request, place)]
    if draw(st.integers(0, 3)):
        members = [(place, name) for place, name in members if name not in IDS]
    for place, name in draw(st.sets(st.sampled_from(members), max_size=2)) if members else ():
        members_in(good, place).pop(name, None)
        if name in members_in(made_up, place):
            members_in(good, place)[name] = members_in(made_up, place)[name]
    whole = draw(st.sampled_from([None] * 9 + PLACES))
    if whole:
        setattr(good, whole, getattr(made_up, whole))


def members_in(request, place):
    """Of a body that is no object, none."""
    members = getattr(request, place)
    return members if isinstance(members, dict) else {}


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


def compare(schema, value, caller):
    """A value has no members but those described, and what travels sealed opens
    with the caller's key. (That it has their types is checked before.)"""
    schema = whole(schema)
    if isinstance(value, dict):
        assert value.keys() <= schema["properties"].keys()
        for name, member in value.items():
            compare(schema["properties"][name], member, caller)
    elif isinstance(value, list):
        for item in value:
            compare(schema["items"], item, caller)
    elif schema.get("x-sensitive"):
        caller.open(value)


def whole(schema):
    """A schema with what it refers to and what it consists of in one."""
    parts = [whole(part) for part in schema.get("allOf", [])]
    if "$ref" in schema:
        found = SPEC
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        parts.append(whole(found))
    joined = {}
    for part in [*parts, schema]:
        joined |= {**part, "properties": joined.get("properties", {}) | part.get("properties", {})}
    return joined
