"""Who is let in: the Authorization header, spoken by hand."""

import base64
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandbox import CODE
from wire import ORDINARY_HEADERS, WECHATPAY2, items, partner_card, partner_change, refused, send

GRAMMAR = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
MISMATCH = "错误的签名，验签失败"


def not_admitted(answer, sandbox, step):
    """Refused, unsigned, and the journal says where it failed."""
    refused(answer, 401, "SIGN_ERROR")
    assert not answer.is_signed
    seen = sandbox.latest_request()
    assert (seen["status"], seen["code"]) == (401, "SIGN_ERROR")
    assert (seen["verdict"]["ok"], seen["verdict"]["step"]) == (False, step)
    return seen["verdict"]


@pytest.mark.parametrize("order", [
    ["mchid", "nonce_str", "signature", "timestamp", "serial_no"],
    ["mchid", "serial_no", "timestamp", "nonce_str", "signature"],
    ["mchid", "nonce_str", "timestamp", "serial_no", "signature"],
    ["signature", "timestamp", "serial_no", "nonce_str", "mchid"],
    ["serial_no", "signature", "nonce_str", "mchid", "timestamp"],
], ids=lambda order: order[0] + "-" + order[-1])
def test_the_items_may_come_in_any_order(merchant, sandbox, order):
    target = partner_card(sandbox)
    values = merchant.stamped("GET", target)
    answer = merchant.call("GET", target, authorization=f"{WECHATPAY2} {items(**{name: values[name] for name in order})}")
    assert answer.status == 200
    assert sandbox.latest_request()["verdict"]["ok"] is True


def without(values, name):
    return {other: value for other, value in values.items() if other != name}


@pytest.mark.parametrize("written", [
    lambda v: f"{WECHATPAY2.lower()} {items(**v)}",
    lambda v: f"WECHATPAY2-SHA256-RSA4096 {items(**v)}",
    lambda v: f"Bearer {items(**v)}",
    lambda v: f"{WECHATPAY2}  {items(**v)}",
    lambda v: f"{WECHATPAY2} {WECHATPAY2} {items(**v)}",
    lambda v: f"{WECHATPAY2}{items(**v)}",
    lambda v: items(**v),
    lambda v: WECHATPAY2,
    lambda v: "",
    lambda v: f"{WECHATPAY2} {items(**v).replace(',', ', ')}",
    lambda v: f"{WECHATPAY2} {items(**v).replace(',', ';')}",
    lambda v: f"{WECHATPAY2} {items(**v).replace(chr(34), chr(39))}",
    lambda v: f"{WECHATPAY2} {items(**v).replace(chr(34), '')}",
    lambda v: f"{WECHATPAY2} {items(**v)},",
    lambda v: f"{WECHATPAY2} ,{items(**v)}",
    lambda v: f"{WECHATPAY2} {items(**v)}".replace(",", "，").encode(),
    lambda v: f"{WECHATPAY2} {items(**v)}".replace('"', "“").encode(),
    lambda v: f"{WECHATPAY2} {items(**v)},{items(mchid=v['mchid'])}",
    lambda v: f"{WECHATPAY2} {items(**v)},{items(timestamp=v['timestamp'])}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'mchid'))}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'nonce_str'))}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'signature'))}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'timestamp'))}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'serial_no'))}",
    lambda v: f"{WECHATPAY2} {items(**without(v, 'mchid'), brand_id='1004')}",
    lambda v: f"{WECHATPAY2} {items(**v | {'timestamp': 'now'})}",
], ids=[
    "lower-case scheme", "unknown scheme", "bearer", "two spaces", "scheme twice", "no space", "no scheme", "no items",
    "empty", "space after commas", "semicolons", "single quotes", "no quotes", "trailing comma", "leading comma",
    "full-width commas", "curly quotes", "mchid twice", "timestamp twice", "no mchid", "no nonce_str", "no signature",
    "no timestamp", "no serial_no", "brand_id instead of mchid", "timestamp that is no number",
])
def test_another_grammar_is_refused(merchant, sandbox, written):
    target = partner_card(sandbox)
    answer = merchant.call("GET", target, authorization=written(merchant.stamped("GET", target)))
    not_admitted(answer, sandbox, "authorization")
    assert answer.json["message"] == GRAMMAR


def test_no_authorization_and_two_of_them_are_refused(merchant, sandbox):
    target = partner_card(sandbox)
    answer = send(sandbox.address, "GET", target, ORDINARY_HEADERS.items())
    assert answer.json["message"] == GRAMMAR
    not_admitted(answer, sandbox, "authorization")
    value = f"{WECHATPAY2} {items(**merchant.stamped('GET', target))}"
    twice = send(sandbox.address, "GET", target, [*ORDINARY_HEADERS.items(), ("Authorization", value), ("Authorization", value)])
    not_admitted(twice, sandbox, "authorization")


@pytest.mark.parametrize("off", [-3600, -330, 330, 3600])
def test_a_timestamp_outside_the_window_is_refused(merchant, sandbox, off):
    answer = merchant.call("GET", partner_card(sandbox), timestamp=int(time.time()) + off)
    not_admitted(answer, sandbox, "timestamp")


@pytest.mark.parametrize("off", [-240, 240])
def test_a_timestamp_inside_the_window_is_accepted(merchant, sandbox, off):
    assert merchant.call("GET", partner_card(sandbox), timestamp=int(time.time()) + off).status == 200


def test_milliseconds_are_refused_and_named(merchant, sandbox):
    answer = merchant.call("GET", partner_card(sandbox), timestamp=int(time.time() * 1000))
    assert "milliseconds" in not_admitted(answer, sandbox, "timestamp")["reason"]


def test_the_window_follows_real_time_not_the_sandbox_clock(merchant, sandbox):
    sandbox.control("PUT", "/clock", {"offset_seconds": 86_400})
    answer = merchant.call("GET", partner_card(sandbox))
    assert answer.status == 200
    merchant.signer_of(answer)


def test_the_serial_must_be_the_merchants_own(merchant, sandbox):
    target = partner_card(sandbox)
    for stranger in (sandbox["platform_serial_no"], sandbox["brand"]["serial_no"], "F" * 40):
        merchant.serial_no = stranger
        answer = merchant.call("GET", target)
        not_admitted(answer, sandbox, "serial")
        assert answer.json["message"].startswith("商户证书序列号有误")


def test_an_unknown_merchant_is_refused(merchant, sandbox):
    merchant.identity = {"mchid": "1900000099"}
    not_admitted(merchant.call("GET", partner_card(sandbox)), sandbox, "serial")


def test_the_serial_is_compared_without_regard_to_case(merchant, sandbox):
    merchant.serial_no = merchant.serial_no.lower()
    assert merchant.call("GET", partner_card(sandbox)).status == 200


def test_a_mismatch_shows_what_the_server_built(merchant, sandbox):
    merchant.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    target, nonce, timestamp = partner_change(sandbox), "a" * 32, int(time.time())
    body = '{"openid":"obLatjnx9gnqzS4myYGmLZ7LgLBA","level":"钻石会员"}'.encode()
    answer = merchant.call("PATCH", target, body, nonce=nonce, timestamp=timestamp)
    verdict = not_admitted(answer, sandbox, "signature")
    head = f"PATCH\n{target}\n{timestamp}\n{nonce}\n"
    assert answer.json["message"] == MISMATCH
    assert answer.json["detail"] == {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": "PATCH",
            "sign_message_length": len(head.encode() + body) + 1,
            "truncated_sign_message": head + '{"openid' + "\n",
            "url": target,
        },
    }
    # Bodies hold openids and more, so the journal keeps no more of them.
    assert verdict["message"].startswith(head + '{"openid…')
    assert "obLatj" not in verdict["message"]


V15 = padding.PKCS1v15()


@pytest.mark.parametrize("mistake, scheme, digest, reason", [
    (lambda lines: lines, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256(), "PSS"),
    (lambda lines: lines, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH), hashes.SHA256(), "PSS"),
    (lambda lines: lines[:-1], padding.PSS(padding.MGF1(hashes.SHA512()), padding.PSS.DIGEST_LENGTH), hashes.SHA512(), "PSS"),
    (lambda lines: lines, V15, hashes.SHA1(), "SHA-1"),
    (lambda lines: ["POST", *lines[1:]], V15, hashes.SHA256(), "POST"),
    (lambda lines: [lines[0], lines[1].split("?")[0], *lines[2:]], V15, hashes.SHA256(), "query"),
    (lambda lines: [lines[0], f"https://api.mch.weixin.qq.com{lines[1]}", *lines[2:]], V15, hashes.SHA256(), "host"),
    (lambda lines: [lines[0], lines[1].replace("brand_id=1004&", "") + "&brand_id=1004", *lines[2:]], V15, hashes.SHA256(), "order"),
    (lambda lines: lines[:-1], V15, hashes.SHA256(), "line feed"),
], ids=["pss", "pss, longest salt", "pss, other digest", "sha1", "method", "no query", "whole url", "other order", "last line feed"])
def test_the_journal_names_the_mistake(merchant, sandbox, mistake, scheme, digest, reason):
    target = partner_card(sandbox)
    values = merchant.stamped("GET", target)
    message = "\n".join(mistake(["GET", target, values["timestamp"], values["nonce_str"], "", ""]))
    signature = base64.b64encode(merchant.key.sign(message.encode(), scheme, digest)).decode()
    answer = merchant.call("GET", target, authorization=f"{WECHATPAY2} {items(**values | {'signature': signature})}")
    assert reason in not_admitted(answer, sandbox, "signature")["reason"]


@pytest.mark.parametrize("signature", ["not base64!", "", "AAAA", "WECHATPAY/SIGNTEST/" + "A" * 325],
                         ids=["text", "empty", "short", "probe"])
def test_a_signature_that_is_none_is_refused(merchant, sandbox, signature):
    target = partner_card(sandbox)
    values = merchant.stamped("GET", target) | {"signature": signature}
    answer = merchant.call("GET", target, authorization=f"{WECHATPAY2} {items(**values)}")
    refused(answer, 401, "SIGN_ERROR")
    assert not answer.is_signed


def test_a_body_that_was_printed_again_is_refused(merchant, sandbox):
    target = partner_change(sandbox)
    values = merchant.stamped("PATCH", target, b'{"brand_id": "1004"}')
    answer = merchant.call("PATCH", target, b'{"brand_id":"1004"}', authorization=f"{WECHATPAY2} {items(**values)}")
    assert "body" in not_admitted(answer, sandbox, "signature")["reason"]


def test_what_is_signed_is_the_raw_target(merchant, sandbox):
    encoded = "".join(f"%{ord(digit):02X}" for digit in CODE)
    raw = f"/v3/brand/partner/card-member/user-cards/{encoded}?openid={sandbox['openid']}&brand_id=%31004&card_id={sandbox['card_id']}"
    assert merchant.call("GET", raw).status == 200
    verdict = not_admitted(merchant.call("GET", raw, signed_target=raw.replace(encoded, CODE)), sandbox, "signature")
    assert "decoded" in verdict["reason"]


def test_a_repeated_authorization_is_accepted_and_marked(merchant, sandbox):
    target = partner_card(sandbox)
    value = f"{WECHATPAY2} {items(**merchant.stamped('GET', target))}"
    assert merchant.call("GET", target, authorization=value).status == 200
    assert sandbox.latest_request()["replayed"] is False
    assert merchant.call("GET", target, authorization=value).status == 200
    assert sandbox.latest_request()["replayed"] is True


@pytest.mark.parametrize("missing", ["Accept", "User-Agent"])
def test_accept_and_user_agent_are_required(merchant, sandbox, missing):
    answer = refused(merchant.call("GET", partner_card(sandbox), headers={missing: None}), 400, "INVALID_REQUEST")
    assert answer.json["message"] == "Http头缺少Accept或User-Agent"
    merchant.signer_of(answer)
    assert sandbox.latest_request()["verdict"]["ok"] is True


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain, image/*;q=0.5"])
def test_what_accept_says_does_not_matter(merchant, sandbox, accept):
    assert merchant.call("GET", partner_card(sandbox), headers={"Accept": accept}).status == 200


def test_header_names_have_no_case(merchant, sandbox):
    target = partner_card(sandbox)
    value = f"{WECHATPAY2} {items(**merchant.stamped('GET', target))}"
    headers = [("ACCEPT", "*/*"), ("user-agent", "x"), ("authorization", value), ("wechatpay-serial", sandbox["platform_serial_no"])]
    answer = send(sandbox.address, "GET", target, headers)
    assert answer.status == 200
    assert merchant.signer_of(answer) == sandbox["platform_serial_no"]
