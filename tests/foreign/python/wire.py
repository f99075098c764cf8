"""The protocol spoken by hand: `http.client` for the socket, `cryptography`
for the mathematics, nothing of anybody's SDK and nothing of kabao."""

import base64
import http.client
import json
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox import CODE

OAEP_SHA1 = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
WECHATPAY2 = "WECHATPAY2-SHA256-RSA2048"
WECHATPAY_BRAND = "WECHATPAY-BRAND-SHA256-RSA2048"
ORDINARY_HEADERS = {"Accept": "application/json", "User-Agent": "by-hand/1.0"}


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("code")

    @property
    def is_signed(self):
        return any(name.lower().startswith("wechatpay-") for name in self.headers)


def send(address, method, target, headers, body=b""):
    """Exactly these bytes; headers is a list of pairs, so that one can come twice."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def items(**values):
    """`key="value"` joined by commas, in the order given."""
    return ",".join(f'{name}="{value}"' for name, value in values.items())


class Caller:
    """A merchant, or a brand: who signs, and whose signatures it knows."""

    def __init__(self, sandbox, scheme, identity, serial_no, folder, wechatpay_keys, names_key=None):
        self.address = sandbox.address
        self.scheme = scheme
        # The one item of Authorization that tells the schemes apart.
        self.identity = identity
        self.serial_no = serial_no
        self.key = serialization.load_pem_private_key(sandbox.text(f"{folder}apiclient_key.pem").encode(), None)
        self.wechatpay_keys = wechatpay_keys
        self.names_key = names_key

    def sign(self, message):
        return base64.b64encode(self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()

    def stamped(self, method, target, body=b"", timestamp=None, nonce=None, signed_target=None):
        """The five values of Authorization."""
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        nonce = nonce or secrets.token_hex(16)
        message = f"{method}\n{signed_target or target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return self.identity | {
            "nonce_str": nonce, "signature": self.sign(message), "timestamp": timestamp, "serial_no": self.serial_no,
        }

    def call(self, method, target, body=None, serial=None, headers=None, authorization=None, **stamp):
        """`authorization` replaces the header that would be sent, `headers`
        adds to the ordinary ones or, with None, takes one away."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        body = body or b""
        if authorization is None:
            authorization = f"{self.scheme} {items(**self.stamped(method, target, body, **stamp))}"
        sent = ORDINARY_HEADERS | {"Authorization": authorization, "Wechatpay-Serial": serial or self.names_key}
        if body:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        pairs = [(name, value) for name, value in sent.items() if value is not None]
        return send(self.address, method, target, pairs, body)

    def seal(self, text, key_id=None):
        key = self.wechatpay_keys[key_id or next(iter(self.wechatpay_keys))]
        return base64.b64encode(key.encrypt(text.encode(), OAEP_SHA1)).decode()

    def open(self, sealed):
        return self.key.decrypt(base64.b64decode(sealed, validate=True), OAEP_SHA1).decode()

    def signer_of(self, answer):
        """The identifier of the key that verifiably signed the answer."""
        header = answer.headers
        assert header["Wechatpay-Signature-Type"] == self.scheme
        assert abs(int(header["Wechatpay-Timestamp"]) - time.time()) < 60
        assert re.fullmatch(r"[0-9a-f]{32}", header["Wechatpay-Nonce"])
        message = f"{header['Wechatpay-Timestamp']}\n{header['Wechatpay-Nonce']}\n".encode() + answer.body + b"\n"
        signature = base64.b64decode(header["Wechatpay-Signature"], validate=True)
        self.wechatpay_keys[header["Wechatpay-Serial"]].verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        return header["Wechatpay-Serial"]


def merchant(sandbox):
    return Caller(sandbox, WECHATPAY2, {"mchid": sandbox["mchid"]}, sandbox["serial_no"], "", {
        sandbox["wechatpay_public_key_id"]: public_key(sandbox, "pub_key.pem"),
        sandbox["platform_serial_no"]: x509.load_pem_x509_certificate(sandbox.text("wechatpay_cert.pem").encode()).public_key(),
    })


def brand(sandbox):
    own = sandbox["brand"]
    key_id = own["wechatpay_public_key_id"]
    return Caller(sandbox, WECHATPAY_BRAND, {"brand_id": own["brand_id"]}, own["serial_no"], "brand/",
                  {key_id: public_key(sandbox, "brand/pub_key.pem")}, names_key=key_id)


def public_key(sandbox, name):
    return serialization.load_pem_public_key(sandbox.text(name).encode())


def partner_card(sandbox, code=CODE, **params):
    """Path and query of the sample card, as a service provider asks for it."""
    scope = {name: sandbox[name] for name in ("brand_id", "card_id", "openid")} | params
    return f"/v3/brand/partner/card-member/user-cards/{quote(code, safe='')}{query(scope)}"


def partner_change(sandbox, code=CODE, **params):
    scope = {"card_id": sandbox["card_id"]} | params
    return f"/v3/brand/partner/card-member/user-cards/{quote(code, safe='')}{query(scope)}"


def brand_card(code=CODE, **params):
    return f"/brand/card-member/user-cards/{quote(code, safe='')}{query(params)}"


def query(params):
    given = {name: value for name, value in params.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""


def refused(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer.body.decode()
    assert answer.json["message"]
    assert answer.headers["Request-ID"]
    return answer
