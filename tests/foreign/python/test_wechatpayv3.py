"""The PyPI package wechatpayv3, unchanged but for the base URL.

It has no method for member cards, so the calls go through `_core.request`,
which all of its methods are made of."""

import base64
import json
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType

from sandbox import CODE, Sandbox

USER_CARDS = "/v3/brand/partner/card-member/user-cards"


class Merchant:
    """The sample merchant as this SDK knows it."""

    def __init__(self, sandbox, monkeypatch, public_key=True, private_key=None, **settings):
        self.sandbox = sandbox
        # The constructor may already download certificates, so the base URL
        # has to be in place before it runs.
        gateway = property(lambda _: sandbox.base_url, lambda *_: None)
        monkeypatch.setattr(Core, "_gate_way", gateway, raising=False)
        if public_key:
            settings |= {"public_key": sandbox.text("pub_key.pem"), "public_key_id": sandbox["wechatpay_public_key_id"]}
        self.public_key = public_key
        self.wxpay = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE, mchid=sandbox["mchid"], appid="wxd678efh567hg6787",
            private_key=private_key or sandbox.text("apiclient_key.pem"),
            cert_serial_no=sandbox["serial_no"], apiv3_key=sandbox["apiv3_key"], **settings,
        )

    def call(self, path, method=RequestType.GET, data=None):
        # `cipher_data` makes a certificate-mode client name the certificate,
        # which the sample merchant, having moved to the public key, has to do.
        status, text = self.wxpay._core.request(path, method=method, data=data, cipher_data=not self.public_key)
        return status, json.loads(text)

    def query(self, code=CODE, **params):
        scope = {name: self.sandbox[name] for name in ("brand_id", "card_id", "openid")}
        return self.call(f"{USER_CARDS}/{code}?{urlencode(scope | params)}")

    def modify(self, change, code=CODE):
        body = {name: self.sandbox[name] for name in ("brand_id", "openid")} | change
        path = f"{USER_CARDS}/{code}?{urlencode({'card_id': self.sandbox['card_id']})}"
        return self.call(path, RequestType.PATCH, body)

    def opened(self, card):
        """The card with its sealed values opened."""
        open_ = self.wxpay.decrypt
        information = card["user_information"]
        return card | {
            "phone_number": open_(card["phone_number"]),
            "user_information": {
                "common_field_list": [field | {"value": open_(field["value"])}
                                      for field in information["common_field_list"]],
                "custom_field_list": [field | {"user_chosen_values": [open_(value) for value in field["user_chosen_values"]]}
                                      for field in information["custom_field_list"]],
            },
        }


@pytest.fixture(params=[True, False], ids=["public_key", "platform_certificate"])
def merchant(request, sandbox, monkeypatch):
    return Merchant(sandbox, monkeypatch, public_key=request.param)


def test_queries_the_sample_card(merchant, sandbox):
    status, answer = merchant.query()
    assert status == 200
    card = merchant.opened(answer)
    assert card["user_card_code"] == CODE
    assert (card["brand_id"], card["card_id"], card["openid"]) == (sandbox["brand_id"], sandbox["card_id"], sandbox["openid"])
    assert card["phone_number"] == "13800138000"
    assert card["level"] == "钻石会员"
    assert card["user_card_state"] == "EFFECTIVE"
    assert card["user_information"] == {
        "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
        "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球"]}],
    }


def test_modifies_the_card_and_a_fresh_query_shows_it(merchant):
    original = merchant.opened(merchant.query()[1])
    change = {"level": "黄金会员", "card_color": "#63B359", "attach": "来自 wechatpayv3"}
    status, answer = merchant.modify(change | {"phone_number": merchant.wxpay._core.encrypt("13900139000")})
    assert status == 200
    changed = merchant.opened(answer)
    assert changed == original | change | {"phone_number": "13900139000", "modify_time": answer["modify_time"]}
    assert merchant.opened(merchant.query()[1]) == changed


def test_seals_form_answers_too(merchant):
    seal = merchant.wxpay._core.encrypt
    information = {
        "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": seal("女")}],
        "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": [seal("篮球"), seal("足球")]}],
    }
    status, answer = merchant.modify({"user_information": information})
    assert status == 200
    opened = merchant.opened(answer)["user_information"]
    assert opened["common_field_list"][0]["value"] == "女"
    assert opened["custom_field_list"][0]["user_chosen_values"] == ["篮球", "足球"]


def test_downloads_the_platform_certificate(sandbox, monkeypatch, tmp_path):
    Merchant(sandbox, monkeypatch, public_key=False, cert_dir=str(tmp_path))
    [downloaded] = tmp_path.iterdir()
    assert downloaded.name == f"{sandbox['platform_serial_no']}.pem"
    assert downloaded.read_text().strip() == sandbox.text("wechatpay_cert.pem").strip()


def test_a_wrong_apiv3_key_opens_no_certificate(sandbox, monkeypatch):
    monkeypatch.setitem(sandbox.credentials, "apiv3_key", "0" * 32)
    with pytest.raises(Exception, match="No wechatpay platform certificate"):
        Merchant(sandbox, monkeypatch, public_key=False)


def test_refuses_a_spoiled_signature_on_a_query(merchant, sandbox):
    sandbox.spoil_signatures(1)
    with pytest.raises(Exception, match="failed to verify the signature"):
        merchant.query()
    assert merchant.query()[0] == 200


def test_refuses_a_spoiled_signature_on_a_change_that_took_place(merchant, sandbox):
    sandbox.spoil_signatures(1)
    with pytest.raises(Exception, match="failed to verify the signature"):
        merchant.modify({"level": "白银会员"})
    assert merchant.query()[1]["level"] == "白银会员"


def refused(outcome, status, code):
    assert (outcome[0], outcome[1]["code"]) == (status, code), outcome
    assert outcome[1]["message"]
    return outcome[1]


def test_an_unknown_card(merchant):
    refused(merchant.query("000000000000"), 404, "RESOURCE_NOT_EXISTS")
    refused(merchant.modify({"level": "一"}, "000000000000"), 404, "RESOURCE_NOT_EXISTS")


def test_another_openid(merchant):
    refused(merchant.query(openid="obLatjother"), 404, "RESOURCE_NOT_EXISTS")
    refused(merchant.modify({"openid": "obLatjother"}), 404, "RESOURCE_NOT_EXISTS")


def test_a_brand_that_the_merchant_does_not_serve(merchant):
    refused(merchant.query(brand_id="2008"), 403, "NO_AUTH")


def test_a_level_of_more_than_10_characters(merchant):
    detail = refused(merchant.modify({"level": "一二三四五六七八九十一"}), 400, "PARAM_ERROR")["detail"]
    assert (detail["field"], detail["location"]) == ("/level", "body")
    assert merchant.query()[1]["level"] == "钻石会员"


@pytest.mark.parametrize("sealed", ["13800138000", base64.b64encode(bytes(256)).decode()], ids=["plaintext", "garbage"])
def test_bad_ciphertext(merchant, sealed):
    refused(merchant.modify({"phone_number": sealed}), 400, "PARAM_ERROR")


def test_ciphertext_for_another_key_than_the_one_named(sandbox, monkeypatch):
    sealed = Merchant(sandbox, monkeypatch, public_key=False).wxpay._core.encrypt("13800138000")
    refused(Merchant(sandbox, monkeypatch).modify({"phone_number": sealed}), 400, "PARAM_ERROR")


def test_a_wrong_private_key(sandbox, monkeypatch):
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    impostor = Merchant(sandbox, monkeypatch, private_key=private_key)
    answer = refused(impostor.query(), 401, "SIGN_ERROR")
    assert answer["detail"]["sign_information"]["method"] == "GET"
    verdict = sandbox.latest_request()["verdict"]
    assert (verdict["ok"], verdict["step"]) == (False, "signature")


def test_the_echo_gives_back_what_was_sealed(merchant):
    seal = merchant.wxpay._core.encrypt
    status, answer = merchant.call("/v3/security/echo", RequestType.POST,
                                   {"echo_message": "回声", "encrypted_echo_message": seal("密封的回声")})
    assert status == 200
    assert answer["echo_message"] == "回声"
    assert merchant.wxpay.decrypt(answer["encrypted_echo_message"]) == "密封的回声"


def test_too_many_calls_under_the_documented_limits(monkeypatch):
    limited = Sandbox(rate_limits="documented")
    try:
        merchant = Merchant(limited, monkeypatch)
        assert merchant.query()[0] == 200
        # 5 a second: a slow machine needs more of them until one is too many.
        outcomes = (merchant.query() for _ in range(200))
        refusal = next((outcome for outcome in outcomes if outcome[0] != 200), None)
        assert refusal, "200 calls on end are more than 5 a second"
        refused(refusal, 429, "FREQUENCY_LIMITED")
    finally:
        limited.stop()
