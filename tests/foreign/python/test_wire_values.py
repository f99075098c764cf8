"""What a change may say, and what becomes of it."""

import json

import pytest

from sandbox import CODE
from wire import partner_card, partner_change, query, refused


@pytest.fixture
def change(merchant, sandbox):
    def change(members=None, code=CODE, body=None, **params):
        scope = {"brand_id": sandbox["brand_id"], "openid": sandbox["openid"]}
        serial = sandbox["wechatpay_public_key_id"]
        return merchant.call("PATCH", partner_change(sandbox, code, **params), body or scope | members, serial=serial)
    return change


@pytest.fixture
def card(merchant, sandbox):
    def card():
        answer = merchant.call("GET", partner_card(sandbox))
        assert answer.status == 200
        return answer.json
    return card


def test_only_what_is_there_changes(change, card):
    before = card()
    answer = change({"attach": "新的说明"})
    assert answer.status == 200
    after = card()
    plain = {name for name in before if name not in ("phone_number", "user_information", "attach", "modify_time")}
    assert {name: after[name] for name in plain} == {name: before[name] for name in plain}
    assert after["attach"] == answer.json["attach"] == "新的说明"


def test_null_leaves_a_member_and_an_empty_text_clears_it(change, card, merchant):
    assert change({"attach": "一", "level": None, "phone_number": None, "user_information": None}).status == 200
    assert card()["level"] == "钻石会员"
    assert merchant.open(card()["phone_number"]) == "13800138000"
    assert change({"attach": None}).status == 200
    assert card()["attach"] == "一"
    assert change({"attach": ""}).status == 200
    assert not card().get("attach")


def test_an_object_replaces(change, card, merchant):
    only_sex = {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": merchant.seal("女")}]}
    assert change({"user_information": only_sex}).status == 200
    information = card()["user_information"]
    assert merchant.open(information["common_field_list"][0]["value"]) == "女"
    assert not information.get("custom_field_list")


@pytest.mark.parametrize("members", [
    {"level": "一二三四五六七八九十"}, {"card_color": "#63b359"}, {"attach": "说" * 256}, {"card_picture_url": "https://" + "x" * 248},
    {"pickup_time": "2020-05-20T13:29:35.120+08:00"},
], ids=["level", "card_color", "attach", "card_picture_url", "pickup_time of the older page"])
def test_what_fits_is_taken(change, members):
    answer = change(members)
    assert answer.status == 200, answer.body.decode()
    for name, value in members.items():
        assert answer.json[name] == value


@pytest.mark.parametrize("members", [
    {"level": "一二三四五六七八九十一"}, {"level": 5}, {"level": ["一"]},
    {"card_color": "red"}, {"card_color": "#FFF"}, {"card_color": "#GGGGGG"}, {"card_color": "#FFFF000"},
    {"attach": "说" * 257}, {"card_picture_url": "https://" + "x" * 249},
    {"valid_date_information": "PERMANENT"}, {"user_information": []}, {"user_information": {"common_field_list": {}}},
], ids=lambda members: json.dumps(members, ensure_ascii=False)[:40])
def test_what_does_not_fit_is_refused_by_name(change, card, merchant, members):
    before = card()
    [name] = members
    answer = refused(change(members | {"attach": members.get("attach", "不应保存")}), 400, "PARAM_ERROR")
    merchant.signer_of(answer)
    assert answer.json["detail"]["field"].startswith(f"/{name}")
    assert answer.json["detail"]["location"] == "body"
    assert card()["modify_time"] == before["modify_time"]


@pytest.mark.parametrize("where", ["level", "attach", "member name", "query", "path"])
def test_four_byte_characters_are_refused(change, merchant, sandbox, where):
    answer = {
        "level": lambda: change({"level": "会员😀"}),
        "attach": lambda: change(body=json.dumps({"brand_id": "1004", "openid": sandbox["openid"], "attach": "😀"}).encode()),
        "member name": lambda: change({"😀": "x"}),
        "query": lambda: merchant.call("GET", partner_card(sandbox, openid="😀")),
        "path": lambda: merchant.call("GET", partner_card(sandbox, code="😀")),
    }[where]()
    merchant.signer_of(refused(answer, 400, "PARAM_ERROR"))


@pytest.mark.parametrize("body", [
    b"{", b"[]", b"null", b'"text"', b"brand_id=1004", b'{"level":"\xff"}', b'{"level":"\\ud800"}', b"\xef\xbb\xbf{}",
    b"[" * 200_000, b'{"a":' * 40_000,
], ids=["cut", "array", "null", "text", "form", "not utf-8", "half a surrogate pair", "byte order mark", "deep array", "deep object"])
def test_what_is_no_json_object_is_refused(change, merchant, body):
    merchant.signer_of(refused(change(body=body), 400, "PARAM_ERROR"))


def valid(kind, **members):
    return {"valid_date_information": {"type": kind, **members}}


BEGIN, END = "2020-05-20T13:29:35.120+08:00", "2040-05-20T13:29:35.120+08:00"


@pytest.mark.parametrize("members, kept", [
    (valid("PERMANENT"), {"type": "PERMANENT"}),
    (valid("FIX_TERM", available_day_after_receive=10958), {"type": "FIX_TERM", "available_day_after_receive": 10958}),
    (valid("FIX_TIME_RANGE", available_begin_time=BEGIN, available_end_time=END),
     {"type": "FIX_TIME_RANGE", "available_begin_time": BEGIN, "available_end_time": END}),
    (valid("FIX_TIME_RANGE", available_begin_time=BEGIN, available_end_time=END, available_day_after_receive=200),
     {"type": "FIX_TIME_RANGE", "available_begin_time": BEGIN, "available_end_time": END}),
], ids=["permanent", "term", "range", "range with a member it does not use"])
def test_validity_can_be_changed(change, card, members, kept):
    assert change(members).status == 200
    assert kept.items() <= card()["valid_date_information"].items()
    assert card()["user_card_state"] == "EFFECTIVE"


@pytest.mark.parametrize("members", [
    valid("FIX_TIME_RANGE", available_begin_time=END, available_end_time=BEGIN),
    valid("FIX_TIME_RANGE", available_begin_time=BEGIN, available_end_time=BEGIN),
    valid("FIX_TIME_RANGE", available_begin_time=BEGIN),
    valid("FIX_TIME_RANGE", available_begin_time="2020-05-20", available_end_time=END),
    valid("FIX_TERM"),
    valid("FIX_TERM", available_day_after_receive=0),
    valid("FIX_TERM", available_day_after_receive=10959),
    valid("FOREVER"),
    {"valid_date_information": {}},
], ids=["reversed", "empty", "no end", "no time", "no days", "0 days", "10959 days", "unknown type", "no type"])
def test_impossible_validity_is_refused(change, members):
    answer = refused(change(members), 400, "PARAM_ERROR")
    assert answer.json["detail"]["field"].startswith("/valid_date_information")


def test_a_card_expires_with_the_sandbox_clock_and_revives(change, card, sandbox):
    sandbox.control("PUT", "/clock", {"now": "2031-01-01T00:00:00+08:00"})
    assert card()["user_card_state"] == "EXPIRED"
    assert change(valid("FIX_TIME_RANGE", available_begin_time=BEGIN, available_end_time=END)).json["user_card_state"] == "EFFECTIVE"
    assert card()["user_card_state"] == "EFFECTIVE"


def test_card_id_may_stand_in_the_query_or_in_the_body(change, sandbox):
    in_body = {"level": "一", "card_id": sandbox["card_id"]}
    assert change(in_body, card_id=None).status == 200
    assert change(in_body).status == 200
    refused(change(in_body, card_id="another"), 400, "PARAM_ERROR")
    refused(change({"level": "一"}, card_id=None), 400, "PARAM_ERROR")
    refused(change({"level": "一"}, brand_id="1005"), 400, "PARAM_ERROR")


@pytest.mark.parametrize("missing", ["brand_id", "openid"])
def test_whose_card_it_is_must_be_said(merchant, sandbox, missing):
    body = {"brand_id": sandbox["brand_id"], "openid": sandbox["openid"], "level": "一"}
    del body[missing]
    refused(merchant.call("PATCH", partner_change(sandbox), body), 400, "PARAM_ERROR")
    refused(merchant.call("GET", partner_card(sandbox, **{missing: None})), 400, "PARAM_ERROR")


def test_shape_before_permission_before_existence(change, merchant, sandbox):
    refused(change({"brand_id": "2008", "level": "一二三四五六七八九十一"}, code="0"), 400, "PARAM_ERROR")
    refused(change({"brand_id": "2008", "level": "一"}, code="0"), 403, "NO_AUTH")
    refused(change({"level": "一"}, code="0"), 404, "RESOURCE_NOT_EXISTS")
    refused(merchant.call("GET", partner_card(sandbox, card_id="pbLatother")), 404, "RESOURCE_NOT_EXISTS")


def test_ids_have_limits(merchant, sandbox):
    refused(merchant.call("GET", partner_card(sandbox, code="1" * 33)), 400, "PARAM_ERROR")
    refused(merchant.call("GET", partner_card(sandbox, code="会员")), 400, "PARAM_ERROR")
    refused(merchant.call("GET", partner_card(sandbox, openid="o" * 129)), 400, "PARAM_ERROR")
    refused(merchant.call("GET", partner_card(sandbox, code="a/b?c=d")), 404, "RESOURCE_NOT_EXISTS")


@pytest.mark.parametrize("params, expected", [
    ({"offset": 0, "limit": 20}, 1), ({"offset": 1, "limit": 1}, 0), ({"offset": 0, "limit": 1, "user_card_state": "EXPIRED"}, 0),
    ({"offset": 0, "limit": 0}, None), ({"offset": 0, "limit": 21}, None), ({"offset": -1, "limit": 1}, None),
    ({"limit": 1}, None), ({"offset": 0}, None), ({"offset": 0, "limit": 1, "user_card_state": "LOST"}, None),
], ids=str)
def test_listing(merchant, sandbox, params, expected):
    scope = {"brand_id": sandbox["brand_id"], "openid": sandbox["openid"]} | params
    answer = merchant.call("GET", f"/v3/brand/partner/card-member/user-cards{query(scope)}")
    if expected is None:
        refused(answer, 400, "PARAM_ERROR")
        return
    assert answer.status == 200
    page = answer.json
    assert (len(page.get("data", [])), page["offset"], page["limit"]) == (expected, params["offset"], params["limit"])
    for card in page.get("data", []):
        assert merchant.open(card["phone_number"]) == "13800138000"


def test_reset_brings_back_the_sample_card(change, card, merchant, sandbox):
    assert change({"level": "一", "phone_number": merchant.seal("1")}).status == 200
    sandbox.reset()
    assert card()["level"] == "钻石会员"
    assert merchant.open(card()["phone_number"]) == "13800138000"
