"""The brand as its own caller: other scheme, other paths, other keys."""

import pytest

from sandbox import CODE
from wire import WECHATPAY2, WECHATPAY_BRAND, brand_card, items, partner_card, refused


def scope(sandbox, **other):
    return {name: sandbox[name] for name in ("card_id", "openid")} | other


def test_queries_the_sample_card(brand, sandbox):
    answer = brand.call("GET", brand_card(**scope(sandbox)))
    assert answer.status == 200
    assert answer.headers["Wechatpay-Signature-Type"] == WECHATPAY_BRAND
    assert brand.signer_of(answer) == sandbox["brand"]["wechatpay_public_key_id"]
    card = answer.json
    assert (card["user_card_code"], card["brand_id"], card["card_id"]) == (CODE, "1004", sandbox["card_id"])
    assert brand.open(card["phone_number"]) == "13800138000"
    [field] = card["user_information"]["common_field_list"]
    assert brand.open(field["value"]) == "男"
    [field] = card["user_information"]["custom_field_list"]
    assert [brand.open(value) for value in field["user_chosen_values"]] == ["足球"]


def test_values_are_sealed_for_whoever_asks(brand, merchant, sandbox):
    sealed = brand.call("GET", brand_card(**scope(sandbox))).json["phone_number"]
    with pytest.raises(ValueError):
        merchant.open(sealed)


@pytest.mark.parametrize("in_query", [False, True], ids=["card_id in the body", "card_id in the query"])
def test_changes_the_card_for_everybody(brand, merchant, sandbox, in_query):
    body = {"openid": sandbox["openid"], "level": "品牌会员", "phone_number": brand.seal("13900139000")}
    params = {"card_id": sandbox["card_id"]} if in_query else {}
    answer = brand.call("PATCH", brand_card(**params), body if in_query else body | {"card_id": sandbox["card_id"]})
    assert answer.status == 200
    brand.signer_of(answer)
    assert (answer.json["level"], answer.json["brand_id"]) == ("品牌会员", "1004")
    assert brand.open(answer.json["phone_number"]) == "13900139000"
    seen = merchant.call("GET", partner_card(sandbox)).json
    assert seen["level"] == "品牌会员"
    assert merchant.open(seen["phone_number"]) == "13900139000"


def test_card_id_in_both_places_must_agree(brand, sandbox):
    body = {"openid": sandbox["openid"], "level": "一", "card_id": sandbox["card_id"]}
    assert brand.call("PATCH", brand_card(card_id=sandbox["card_id"]), body).status == 200
    brand.signer_of(refused(brand.call("PATCH", brand_card(card_id="another"), body), 400, "PARAM_ERROR"))
    refused(brand.call("PATCH", brand_card(), {"openid": sandbox["openid"], "level": "一"}), 400, "PARAM_ERROR")


def test_lists_the_users_cards(brand, sandbox):
    target = brand_card().removesuffix(f"/{CODE}") + f"?openid={sandbox['openid']}&offset=0&limit=20"
    answer = brand.call("GET", target)
    assert answer.status == 200
    assert [card["user_card_code"] for card in answer.json["data"]] == [CODE]
    brand.signer_of(answer)


def test_wechatpay_serial_is_required(brand, sandbox):
    answer = brand.call("GET", brand_card(**scope(sandbox)), headers={"Wechatpay-Serial": None})
    brand.signer_of(refused(answer, 400, "INVALID_REQUEST"))


def test_wechatpay_serial_must_belong_to_the_brand(brand, sandbox):
    for other in (sandbox["wechatpay_public_key_id"], sandbox["platform_serial_no"], "PUB_KEY_ID_" + "0" * 34):
        answer = brand.call("GET", brand_card(**scope(sandbox)), serial=other)
        brand.signer_of(refused(answer, 400, "INVALID_REQUEST"))


def test_refusals_are_signed_with_the_brands_key(brand, sandbox):
    for answer, status, code in [
        (brand.call("GET", brand_card(**scope(sandbox, openid="other"))), 404, "RESOURCE_NOT_EXISTS"),
        (brand.call("GET", brand_card("0", **scope(sandbox))), 404, "RESOURCE_NOT_EXISTS"),
        (brand.call("GET", brand_card(card_id=sandbox["card_id"])), 400, "PARAM_ERROR"),
        (brand.call("GET", "/brand/nowhere"), 404, "NOT_FOUND"),
    ]:
        brand.signer_of(refused(answer, status, code))


def test_a_value_sealed_for_the_merchant_does_not_open(brand, merchant, sandbox):
    body = scope(sandbox, phone_number=merchant.seal("13900139000"))
    refused(brand.call("PATCH", brand_card(), body), 400, "PARAM_ERROR")


def test_a_brand_does_not_speak_for_a_merchant(brand, sandbox):
    for target in (partner_card(sandbox), "/v3/certificates"):
        answer = brand.call("GET", target)
        assert 400 <= answer.status < 500
        brand.signer_of(answer)


def test_the_schemes_do_not_mix(brand, merchant, sandbox):
    target = brand_card(**scope(sandbox))
    values = brand.stamped("GET", target)
    as_merchant = {name: value for name, value in values.items() if name != "brand_id"} | {"mchid": "1900000001"}
    for authorization in (f"{WECHATPAY2} {items(**values)}", f"{WECHATPAY_BRAND} {items(**as_merchant)}"):
        answer = refused(brand.call("GET", target, authorization=authorization), 401, "SIGN_ERROR")
        assert not answer.is_signed
    brand.serial_no, brand.key = merchant.serial_no, merchant.key
    refused(brand.call("GET", target), 401, "SIGN_ERROR")
    assert sandbox.latest_request()["verdict"]["step"] == "serial"


def test_a_wrong_key_is_refused_unsigned(brand, merchant, sandbox):
    brand.key = merchant.key
    answer = refused(brand.call("GET", brand_card(**scope(sandbox))), 401, "SIGN_ERROR")
    assert not answer.is_signed
    assert answer.json["detail"]["sign_information"]["url"].startswith("/brand/card-member/")
    verdict = sandbox.latest_request()["verdict"]
    assert sandbox["mchid"] in verdict["reason"]
