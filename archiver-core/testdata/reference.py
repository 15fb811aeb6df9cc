#!/usr/bin/env python3
"""An independent reference for docs/format.md, standard library only.

Prints the test vector `classic-2-of-3.json` from fixed inputs, or with the word `seals` that of an archive with seals. It shares no code with the Rust library: when both agree, the format page
says enough to write a third implementation. The vector is frozen: a change of the format gets a new version and a new vector.

    python3 reference.py > classic-2-of-3.json
    python3 reference.py seals > classic-2-of-3-seals.json
"""
import base64
import hashlib
import hmac
import json
import sys

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P


def edwards_add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def edwards_mul(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = edwards_add(result, point)
        point = edwards_add(point, point)
        n >>= 1
    return result


def base_point():
    y = 4 * pow(5, -1, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x, y)


def compress(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def hkdf_sha512(ikm, info, length):
    prk = hmac.new(bytes(64), ikm, hashlib.sha512).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha512).digest()[:length]


def main(with_seals):
    k, n = 2, 3
    seed = hashlib.sha256(b"archiver vector: secret").digest()
    d = int.from_bytes(seed, "little")
    d = (d & ~7 & (2**255 - 1)) | 2**254
    slope = int.from_bytes(hashlib.sha512(b"archiver vector: slope").digest(), "little") % L
    primary = hashlib.sha1(b"archiver vector: primary").digest()
    encryption = hashlib.sha1(b"archiver vector: encryption").digest()
    seal_keys = hashlib.sha256(b"archiver vector: seals.pub").digest() if with_seals else b""

    coefficients = [d % L, slope]
    commitments = [edwards_mul(c, base_point()) for c in coefficients]
    _, y0 = commitments[0]
    public = ((1 + y0) * pow(1 - y0, -1, P) % P).to_bytes(32, "little")

    part = bytes([1, 1, 0, k, n, 0, 0])
    part += bytes([20]) + primary + bytes([20]) + encryption
    part += bytes([k]) + b"".join(map(compress, commitments)) + bytes([0])
    part += bytes([len(seal_keys)]) + seal_keys
    set_id = hashlib.sha256(b"archiver v1 set\0" + part).digest()[:12]
    set_text = base64.b32encode(set_id).decode().rstrip("=")

    shares = []
    for x in range(1, n + 1):
        y = sum(c * x**j for j, c in enumerate(coefficients)) % L
        frame = bytes([1, 1, 1, 0, k, x, 0, 0]) + set_id + y.to_bytes(32, "little")
        frame += hashlib.sha256(b"archiver v1 frame\0" + frame).digest()[:4]
        text = "ARCHIVER-SHARE-1:" + base64.b32encode(frame).decode().rstrip("=")
        shares.append({"x": x, "frame": frame.hex(), "qr_text": text})

    info = b"archiver v1 key passphrase\0" + primary
    passphrase = hkdf_sha512(b"\x01" + (d % L).to_bytes(32, "little"), info, 32).hex()

    vector = {
        "x25519_secret": d.to_bytes(32, "little").hex(),
        "x25519_public_key": public.hex(),
        "primary_fingerprint": primary.hex().upper(),
        "encryption_fingerprint": encryption.hex().upper(),
        "threshold": k,
        "commitments": [compress(c).hex() for c in commitments],
        "sharing_part": part.hex(),
        "set_id": "-".join(set_text[i : i + 4] for i in range(0, len(set_text), 4)),
        "shares": shares,
        "sealed_key_passphrase": passphrase,
    }
    if with_seals:
        vector["seal_keys_sha256"] = seal_keys.hex()
    print(json.dumps(vector, indent=2))


main(with_seals=sys.argv[1:] == ["seals"])
