#!/usr/bin/env python3
"""Receipt vectors from app/protocol/SPEC.md sections 6 and 7 alone: Python's standard library, no code of this project, no
package. Keccak-256, EIP-712, secp256k1 and RFC 6979 are written out here.

usage: generate.py [--check]     writes vectors.json beside itself, or compares with it and exits 1 on a difference
"""
import hashlib
import hmac
import json
import pathlib
import sys

# --- Keccak-256 (FIPS 202 permutation, original padding 0x01) -------------------------------------------------------

ROUND_CONSTANTS = []
_lfsr = 1
for _round in range(24):
    _constant = 0
    for _j in range(7):
        if _lfsr & 1:
            _constant |= 1 << ((1 << _j) - 1)
        _lfsr = (_lfsr << 1) ^ (0x171 if _lfsr & 0x80 else 0)
    ROUND_CONSTANTS.append(_constant)
MASK = (1 << 64) - 1


def rotate(value, by):
    by %= 64
    return ((value << by) | (value >> (64 - by))) & MASK if by else value


def permute(state):
    for constant in ROUND_CONSTANTS:
        column = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
        for x in range(5):
            d = column[x - 1] ^ rotate(column[(x + 1) % 5], 1)
            for y in range(5):
                state[x][y] ^= d
        x, y, current = 1, 0, state[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, state[x][y] = state[x][y], rotate(current, (t + 1) * (t + 2) // 2)
        for y in range(5):
            row = [state[x][y] for x in range(5)]
            for x in range(5):
                state[x][y] = row[x] ^ (~row[(x + 1) % 5] & MASK & row[(x + 2) % 5])
        state[0][0] ^= constant


def keccak256(data):
    rate = 136
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % rate))
    padded[-1] |= 0x80
    state = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for i in range(rate // 8):
            state[i % 5][i // 5] ^= int.from_bytes(padded[start + 8 * i:start + 8 * i + 8], "little")
        permute(state)
    return b"".join(state[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


# --- secp256k1 with RFC 6979 nonces ---------------------------------------------------------------------------------

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar, point):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def address(key):
    x, y = multiply(key, G)
    return keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[12:]


def nonces(key, digest):
    """RFC 6979, SHA-256."""
    material = key.to_bytes(32, "big") + (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
    mac = lambda k, d: hmac.new(k, d, hashlib.sha256).digest()
    v, k = b"\x01" * 32, bytes(32)
    for separator in (b"\x00", b"\x01"):
        k = mac(k, v + separator + material)
        v = mac(k, v)
    while True:
        v = mac(k, v)
        yield int.from_bytes(v, "big")
        k = mac(k, v + b"\x00")
        v = mac(k, v)


def sign(key, digest):
    """r, s, v: 65 bytes, low s, v 27 or 28."""
    z = int.from_bytes(digest, "big")
    for nonce in nonces(key, digest):
        if not 0 < nonce < N:
            continue
        x, y = multiply(nonce, G)
        r = x % N
        s = pow(nonce, -1, N) * (z + r * key) % N
        if r == 0 or s == 0 or x >= N:
            continue
        odd = y & 1
        if s > N // 2:
            s, odd = N - s, odd ^ 1
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + odd])


# --- EIP-712 for the two structs of SPEC 7.1 -------------------------------------------------------------------------

RECEIPT = [
    ("bytes32", "receiptId"), ("bytes21", "appId"), ("bytes32", "enclaveIdentity"), ("bytes32", "keysetDigest"),
    ("bytes32", "task"), ("bytes32", "modelDigest"), ("bytes32", "parametersDigest"), ("bytes32", "requestDigest"),
    ("bytes32", "textDigest"), ("bytes32", "responseDigest"),
    ("bytes32", "paymentDigest"), ("uint64", "issuedAt"), ("uint64", "blockNumber"), ("bytes32", "blockHash"),
    ("uint64", "sequence"), ("bytes32", "previousReceipt"), ("uint32", "inputTokens"), ("uint32", "outputTokens"),
    ("uint32", "tokensRead"), ("bytes32", "subordinates"), ("uint256", "spent"), ("uint8", "channel"), ("uint8", "status"),
]
PAYMENT = [
    ("string", "network"), ("address", "asset"), ("address", "payTo"), ("uint256", "amount"), ("address", "payer"),
    ("bytes32", "nonce"), ("bool", "nonceCommitted"), ("bytes32", "transaction"),
]


def word(kind, value):
    if kind == "string":
        return keccak256(value.encode())
    if kind.startswith("bytes"):
        return value.ljust(32, b"\x00")
    if kind == "address":
        return value.rjust(32, b"\x00")
    return int(value).to_bytes(32, "big")


def hash_struct(name, fields, values):
    kind = f"{name}({','.join(f'{kind} {field}' for kind, field in fields)})"
    return keccak256(keccak256(kind.encode()) + b"".join(word(kind, values[field]) for kind, field in fields))


DOMAIN = hash_struct("EIP712Domain", [("string", "name"), ("string", "version")], {"name": "Precis Receipt", "version": "2"})


def signing_digest(receipt):
    return keccak256(b"\x19\x01" + DOMAIN + hash_struct("Receipt", RECEIPT, receipt))


# --- SPEC 6 and 7.3 --------------------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, *parts):
    return sha256(tag.encode() + b"\x00" + b"".join(parts))


def lp(text):
    return len(text.encode()).to_bytes(4, "big") + text.encode()


def commitment(request):
    return tagged("precis/request: v1", lp(request["method"]), lp(request["path"]), lp(request["mediaType"].lower()),
                  sha256(request["body"].encode()))


def keyed(tag, key, rc):
    return hmac.new(key, tag.encode() + b"\x00" + rc, hashlib.sha256).digest()


def filler(label, length=32):
    return hashlib.shake_256(label.encode()).digest(length)


REQUESTS = [
    {"method": "POST", "path": "/v1/summaries", "mediaType": "application/json", "body": '{"document":"One fact. Another fact."}',
     "text": "One fact. Another fact."},
    {"method": "POST", "path": "/v1/summaries?mode=abstractive&max_words=80", "mediaType": "Text/Plain; charset=UTF-8", "body": "Äpfel und Öl.\n", "text": "Äpfel und Öl."},
    {"method": "POST", "path": "/v1/summaries", "mediaType": "text/markdown", "body": "", "text": ""},
]
LARGEST = {"issuedAt": 2**64 - 1, "blockNumber": 2**64 - 1, "sequence": 2**64 - 1, "inputTokens": 2**32 - 1,
           "outputTokens": 2**32 - 1, "tokensRead": 2**32 - 1, "spent": 2**256 - 1}
ORDINARY = {"issuedAt": 1_790_000_123, "blockNumber": 4_242, "sequence": 7, "inputTokens": 913, "outputTokens": 118, "tokensRead": 913, "spent": 0}
CASES = [
    {"name": "completed over the encrypted channel", "request": 0, "status_code": 200, "task": "summary.extractive", "channel": 2, "status": 1, "numbers": ORDINARY,
     "payment": {"network": "eip155:8453", "amount": 1500, "nonceCommitted": True}},
    {"name": "completed over plain HTTPS, nonce not committed", "request": 1, "status_code": 200, "task": "summary.abstractive", "channel": 1, "status": 1,
     "numbers": {**ORDINARY, "sequence": 1}, "payment": {"network": "eip155:84532", "amount": 1, "nonceCommitted": False}},
    {"name": "failed and not charged: no payment, zero digest", "request": 2, "status_code": 503, "task": "summary.extractive", "channel": 2, "status": 2,
     "numbers": {name: 0 for name in ORDINARY}, "payment": None},
    {"name": "refunded, every number at its largest", "request": 0, "status_code": 599, "task": "summary.abstractive", "channel": 2, "status": 3, "numbers": LARGEST,
     "payment": {"network": "eip155:" + "9" * 20, "amount": 2**256 - 1, "nonceCommitted": True}},
]


def case(number, given):
    name = lambda part: filler(f"receipt vector {number}: {part}")
    request = REQUESTS[given["request"]]
    rc = commitment(request)
    salts = {"request": name("request salt"), "response": name("response salt")}
    result = json.dumps({"id": name("id")[:16].hex(), "summary": given["name"]}, separators=(",", ":")).encode()
    parameters = json.dumps({"template": number}, separators=(",", ":")).encode()
    payment = None
    if given["payment"]:
        payment = {"asset": name("asset")[:20], "payTo": name("payTo")[:20], "payer": name("payer")[:20],
                   "nonce": tagged("precis/payment-nonce: v1", rc, name("nonce salt")), "transaction": name("transaction"), **given["payment"]}
    receipt = {
        "receiptId": name("receiptId"), "appId": name("appId")[:21], "enclaveIdentity": name("enclaveIdentity"),
        "keysetDigest": name("keyset"), "task": sha256(given["task"].encode()), "modelDigest": name("model"), "parametersDigest": tagged("precis/parameters: v1", parameters),
        "requestDigest": tagged("precis/receipt-request: v1", salts["request"], rc),
        "textDigest": tagged("precis/receipt-text: v1", salts["request"], sha256(request["text"].encode())),
        "subordinates": name("subordinates") if given["numbers"]["spent"] else bytes(32),
        "responseDigest": tagged("precis/receipt-response: v1", salts["response"], given["status_code"].to_bytes(2, "big"), sha256(result)),
        "paymentDigest": hash_struct("Payment", PAYMENT, payment) if payment else bytes(32),
        "blockHash": name("block"), "previousReceipt": name("previous"), "channel": given["channel"], "status": given["status"],
        **given["numbers"],
    }
    key = int.from_bytes(name("key"), "big") % N
    digest = signing_digest(receipt)
    show = lambda v: "0x" + v.hex() if isinstance(v, bytes) else str(v) if isinstance(v, int) and not isinstance(v, bool) else v
    return {
        "name": given["name"], "task": given["task"], "request": request, "statusCode": given["status_code"], "result": result.decode(), "parameters": parameters.decode(),
        "salts": {k: v.hex() for k, v in salts.items()}, "nonceSalt": name("nonce salt").hex(), "secret": name("secret").hex(),
        "receipt": {k: show(receipt[k]) for _, k in RECEIPT}, "payment": payment and {k: show(payment[k]) for _, k in PAYMENT},
        "key": key.to_bytes(32, "big").hex(),
        "expected": {
            "commitment": rc.hex(), "quoteDigest": keyed("precis/quote: v1", name("secret"), rc).hex(),
            "fingerprint": keyed("precis/fingerprint: v1", name("secret"), rc).hex(),
            "paymentNonce": tagged("precis/payment-nonce: v1", rc, name("nonce salt")).hex(),
            "signingDigest": digest.hex(), "signature": sign(key, digest).hex(), "signer": "0x" + address(key).hex(),
        },
    }


def self_test():
    """Published values, so that a slip here is not taken for a difference there."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(bytes(200)) != keccak256(bytes(199))
    assert address(1).hex() == "7e5f4552091a69125d5dfcb7b8c2659029395bdf"


def main():
    self_test()
    text = json.dumps({"domainSeparator": "0x" + DOMAIN.hex(), "cases": [case(i, given) for i, given in enumerate(CASES)]},
                      indent=1, ensure_ascii=False) + "\n"
    target = pathlib.Path(__file__).with_name("vectors.json")
    if sys.argv[1:] == ["--check"]:
        if target.read_text("utf-8") != text:
            sys.exit("vectors.json is not what generate.py makes")
        print("vectors.json is what generate.py makes")
    elif sys.argv[1:]:
        sys.exit(__doc__.strip())
    else:
        target.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
