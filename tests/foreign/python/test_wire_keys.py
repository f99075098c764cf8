"""Which key signs an answer, which opens a value, and addresses that are none."""

import base64
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wire import OAEP_SHA1, brand_card, partner_card, partner_change, refused


def test_nothing_named_means_the_public_key(merchant, sandbox):
    answer = merchant.call("GET", partner_card(sandbox))
    assert answer.status == 200
    assert merchant.signer_of(answer) == sandbox["wechatpay_public_key_id"]


@pytest.mark.parametrize("name", ["wechatpay_public_key_id", "platform_serial_no"])
def test_the_key_that_is_named_signs(merchant, sandbox, name):
    answer = merchant.call("GET", partner_card(sandbox), serial=sandbox[name])
    assert answer.status == 200
    assert merchant.signer_of(answer) == sandbox[name]


def test_a_serial_has_no_case(merchant, sandbox):
    answer = merchant.call("GET", partner_card(sandbox), serial=sandbox["platform_serial_no"].lower())
    assert answer.status == 200
    assert merchant.signer_of(answer) == sandbox["platform_serial_no"]


@pytest.mark.parametrize("method, target, body", [
    ("GET", "card", None), ("PATCH", "change", {"level": "一"}), ("GET", "/v3/certificates", None), ("GET", "/v3/nowhere", None),
], ids=["query", "change", "certificates", "nowhere"])
def test_an_unknown_key_is_refused_on_any_method(merchant, sandbox, method, target, body):
    target = {"card": partner_card(sandbox), "change": partner_change(sandbox)}.get(target, target)
    for stranger in ("F" * 40, "PUB_KEY_ID_" + "0" * 34, sandbox["serial_no"], sandbox["brand"]["wechatpay_public_key_id"]):
        answer = refused(merchant.call(method, target, body, serial=stranger), 400, "INVALID_REQUEST")
        assert "Wechatpay-Serial" in answer.json["message"]
        assert merchant.signer_of(answer) == sandbox["wechatpay_public_key_id"]


def test_refusals_are_signed_with_the_key_that_is_named(merchant, sandbox):
    serial = sandbox["platform_serial_no"]
    for target, status, code in [
        (partner_card(sandbox, openid="other"), 404, "RESOURCE_NOT_EXISTS"),
        (partner_card(sandbox, brand_id="2008"), 403, "NO_AUTH"),
        (partner_card(sandbox, openid=None), 400, "PARAM_ERROR"),
        ("/v3/no/such/address", 404, "NOT_FOUND"),
    ]:
        assert merchant.signer_of(refused(merchant.call("GET", target, serial=serial), status, code)) == serial


@pytest.mark.parametrize("target", ["/v3/nowhere", "/", "/v3", "//v3/certificates", "/V3/certificates", "/v3/certificates/",
                                    "/v3/brand/partner/card-member/user-cards/", "/v3/%2e%2e/v3/certificates"])
def test_an_unknown_address_is_not_found_and_signed(merchant, target):
    merchant.signer_of(refused(merchant.call("GET", target), 404, "NOT_FOUND"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "FROB"])
def test_a_wrong_method_is_refused_and_signed(merchant, sandbox, method):
    answer = merchant.call(method, partner_card(sandbox))
    assert answer.status == 405
    assert answer.json["message"]
    merchant.signer_of(answer)


def test_odd_methods_harm_nothing(merchant, sandbox):
    for method in ["HEAD", "TRACE", "CONNECT", "get"]:
        assert merchant.call(method, partner_card(sandbox)).status < 500
    assert merchant.call("GET", partner_card(sandbox)).status == 200


def test_the_headers_of_an_answer(merchant, sandbox):
    answers = [merchant.call("GET", partner_card(sandbox)) for _ in range(2)]
    for answer in answers:
        assert answer.headers["Content-Type"].replace(" ", "").lower() == "application/json;charset=utf-8"
        assert "no-cache" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("Request-ID", "Wechatpay-Nonce", "Wechatpay-Signature"):
        assert answers[0].headers[name] != answers[1].headers[name]
    assert sandbox.latest_request()["id"] == answers[1].headers["Request-ID"]


def test_a_spoiled_signature_does_not_verify_as_often_as_ordered(merchant, sandbox):
    sandbox.spoil_signatures(2)
    for target in (partner_card(sandbox), partner_card(sandbox, openid="other")):
        answer = merchant.call("GET", target)
        assert len(base64.b64decode(answer.headers["Wechatpay-Signature"], validate=True)) == 256
        with pytest.raises(InvalidSignature):
            merchant.signer_of(answer)
    merchant.signer_of(merchant.call("GET", partner_card(sandbox)))


def opened_certificates(answer, apiv3_key):
    for entry in answer.json["data"]:
        sealed = entry["encrypt_certificate"]
        assert sealed["algorithm"] == "AEAD_AES_256_GCM"
        assert len(sealed["nonce"]) == 12
        pem = AESGCM(apiv3_key.encode()).decrypt(
            sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"], validate=True), sealed["associated_data"].encode())
        yield entry, x509.load_pem_x509_certificate(pem)


@pytest.mark.parametrize("target", ["/v3/certificates", "/v3/certificates?algorithm_type=RSA", "/v3/certificates?algorithm_type=ALL"])
def test_certificates_can_be_downloaded(merchant, sandbox, target):
    answer = merchant.call("GET", target, serial=sandbox["platform_serial_no"])
    assert answer.status == 200
    [(entry, certificate)] = opened_certificates(answer, sandbox["apiv3_key"])
    assert entry["serial_no"] == sandbox["platform_serial_no"]
    assert f"{certificate.serial_number:040X}" == sandbox["platform_serial_no"]
    assert datetime.fromisoformat(entry["effective_time"]) == certificate.not_valid_before_utc
    assert datetime.fromisoformat(entry["expire_time"]) == certificate.not_valid_after_utc
    own = x509.load_pem_x509_certificate(sandbox.text("wechatpay_cert.pem").encode())
    assert certificate == own
    assert certificate.public_key().key_size == 2048
    # What was downloaded proves the download.
    assert merchant.signer_of(answer) == entry["serial_no"]


def test_the_folder_holds_what_belongs_together(merchant, sandbox):
    for folder, serial_no in [("", sandbox["serial_no"]), ("brand/", sandbox["brand"]["serial_no"])]:
        certificate = x509.load_pem_x509_certificate(sandbox.text(f"{folder}apiclient_cert.pem").encode())
        assert f"{certificate.serial_number:040X}" == serial_no
        assert sandbox.text(f"{folder}apiclient_key.pem").startswith("-----BEGIN PRIVATE KEY-----\n")
        assert sandbox.text(f"{folder}pub_key.pem").startswith("-----BEGIN PUBLIC KEY-----\n")
    certificate = x509.load_pem_x509_certificate(sandbox.text("apiclient_cert.pem").encode())
    assert certificate.public_key().public_numbers() == merchant.key.public_key().public_numbers()
    assert len(sandbox["apiv3_key"]) == len(sandbox["brand"]["api_key"]) == 32
    for path in sandbox.folder.rglob("*.*"):
        assert path.stat().st_mode & 0o777 == 0o600, path


def change_phone(merchant, sandbox, sealed, serial=None):
    body = {"brand_id": sandbox["brand_id"], "openid": sandbox["openid"], "phone_number": sealed}
    return merchant.call("PATCH", partner_change(sandbox), body, serial=serial)


@pytest.mark.parametrize("sealed_with", ["wechatpay_public_key_id", "platform_serial_no"])
def test_a_value_is_opened_with_the_key_that_is_named(merchant, sandbox, sealed_with):
    sealed = merchant.seal("13900139000", sandbox[sealed_with])
    answer = change_phone(merchant, sandbox, sealed, serial=sandbox[sealed_with])
    assert answer.status == 200
    assert merchant.open(answer.json["phone_number"]) == "13900139000"
    [other] = {"wechatpay_public_key_id", "platform_serial_no"} - {sealed_with}
    refused(change_phone(merchant, sandbox, sealed, serial=sandbox[other]), 400, "PARAM_ERROR")


def test_the_key_of_a_sealed_value_has_to_be_named(merchant, sandbox):
    answer = refused(change_phone(merchant, sandbox, merchant.seal("13900139000")), 400, "INVALID_REQUEST")
    assert "Wechatpay-Serial" in answer.json["message"]
    body = {"echo_message": "回声", "encrypted_echo_message": merchant.seal("密封的回声")}
    refused(merchant.call("POST", "/v3/security/echo", body), 400, "INVALID_REQUEST")
    assert merchant.open(merchant.call("GET", partner_card(sandbox)).json["phone_number"]) == "13800138000"


def test_what_is_no_ciphertext_is_refused(merchant, sandbox):
    key_id = sandbox["wechatpay_public_key_id"]
    pkcs1 = base64.b64encode(merchant.wechatpay_keys[key_id].encrypt(b"13900139000", padding.PKCS1v15())).decode()
    own = base64.b64encode(merchant.key.public_key().encrypt(b"13900139000", OAEP_SHA1)).decode()
    for sealed in ("13800138000", "AAAA", base64.b64encode(bytes(256)).decode(), "=" * 344, "A" * 513, pkcs1, own):
        answer = refused(change_phone(merchant, sandbox, sealed, serial=key_id), 400, "PARAM_ERROR")
        assert answer.json["detail"]["field"] == "/phone_number"
    assert merchant.open(merchant.call("GET", partner_card(sandbox)).json["phone_number"]) == "13800138000"


def test_the_echo(merchant, sandbox):
    body = {"echo_message": "回声", "encrypted_echo_message": merchant.seal("密封的回声")}
    answer = merchant.call("POST", "/v3/security/echo", body, serial=sandbox["wechatpay_public_key_id"])
    assert answer.status == 200
    assert answer.json["echo_message"] == "回声"
    assert merchant.open(answer.json["encrypted_echo_message"]) == "密封的回声"
    assert merchant.signer_of(answer) == sandbox["wechatpay_public_key_id"]
    answer = merchant.call("POST", "/v3/security/echo", {"echo_message": "回声"})
    assert answer.json["echo_message"] == "回声"
    unsealed = {"echo_message": "回声", "encrypted_echo_message": "回声"}
    refused(merchant.call("POST", "/v3/security/echo", unsealed, serial=sandbox["wechatpay_public_key_id"]), 400, "PARAM_ERROR")


def test_a_merchant_does_not_speak_for_a_brand(merchant, sandbox):
    answer = merchant.call("GET", brand_card(card_id=sandbox["card_id"], openid=sandbox["openid"]))
    assert 400 <= answer.status < 500
    assert answer.code
