#!/usr/bin/env python3
"""An independent reference for the seals of docs/format.md section 8, standard library only.

Prints the frozen vector `seals.json`. It shares no code with the Rust library.

    python3 seals.py > seals.json
"""
import hmac
import json
from base64 import b64encode
from hashlib import sha256, sha512
from struct import pack

# --- Ed25519, RFC 8032 section 5.1, in plain integers: slow, not constant in time, for vectors only.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P


def recover_x(y):
    """The even x of a point with this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return x if x % 2 == 0 else P - x


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P,
    )


def times(scalar, point):
    result = (0, 1)
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def encode(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


B = (recover_x(BASE_Y), BASE_Y)


def secret_scalar(seed):
    h = sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
    return a, h[32:]


def public_key(seed):
    return encode(times(secret_scalar(seed)[0], B))


def sign(seed, message):
    a, prefix = secret_scalar(seed)
    r = int.from_bytes(sha512(prefix + message).digest(), "little") % L
    big_r = encode(times(r, B))
    h = int.from_bytes(sha512(big_r + public_key(seed) + message).digest(), "little") % L
    return big_r + ((r + h * a) % L).to_bytes(32, "little")


# RFC 8032 section 7.1, test 2.
_seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
assert public_key(_seed).hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
assert sign(_seed, b"\x72").hex().startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8f")

# --- The seal keys, section 8.1.


def hkdf(ikm, info):
    """RFC 5869 with SHA-256, no salt, one block of output."""
    prk = hmac.digest(bytes(32), ikm, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")


def derive(label, seed, log, day):
    return hkdf(seed, label + b"\0" + log + pack(">q", day))


LOG = bytes(range(16))
FIRST_DAY = 20781  # 2026-11-24
FIRST_SEED = bytes(range(0x40, 0x60))

days = {}
seed = FIRST_SEED
for number in range(3653):
    if number in (0, 1, 3652):
        signing = derive(b"archiver v1 seal sign", seed, LOG, FIRST_DAY + number)
        days[number] = (seed, signing)
    seed = derive(b"archiver v1 seal next", seed, LOG, FIRST_DAY + number)

# --- The seed file, section 8.3.

seed_file = bytes([1]) + LOG + pack(">q", FIRST_DAY) + FIRST_SEED
seed_file += sha256(b"archiver v1 seal seed\0" + seed_file).digest()[:4]

# --- The Merkle tree, RFC 6962 section 2.1, straight from its recursive definitions.

leaves = [sha256(b"\0" + bytes([i])).digest() for i in range(8)]


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(d):
    if not d:
        return sha256(b"").digest()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return sha256(b"\x01" + root(d[:k]) + root(d[k:])).digest()


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [root(d[k:])] if m < k else path(m - k, d[k:]) + [root(d[:k])]


def subproof(m, d, complete):
    if m == len(d):
        return [] if complete else [root(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], complete) + [root(d[k:])]
    return subproof(m - k, d[k:], False) + [root(d[:k])]


# --- Checkpoints, sections 8.4 and 8.5.


def base64(data):
    return b64encode(data).decode()


PRIMARY = bytes(range(0xA0, 0xA0 + 20)).hex().upper()
SUBKEY = bytes(range(0xC0, 0xC0 + 20)).hex().upper()
ORIGIN = f"archiver/{PRIMARY}/{LOG.hex()}"


def note(number, day, size, kind, previous, last_time):
    text = "".join(
        line + "\n"
        for line in [
            ORIGIN,
            str(size),
            base64(root(leaves[:size])),
            f"kind {kind}",
            f"day {day}",
            f"previous {previous}",
            f"last-time {last_time}",
            f"subkey {SUBKEY}",
        ]
    )
    signing = days[number][1]
    name = f"{ORIGIN}/{day}"
    key_id = sha256(name.encode() + b"\n\x01" + public_key(signing)).digest()[:4]
    signature = base64(key_id + sign(signing, text.encode()))
    return f"{text}\n\u2014 {name} {signature}\n"


empty_final = note(0, "2026-11-24", 0, "final", "none", "none")
previous = base64(sha256(empty_final.encode()).digest())
interim = note(1, "2026-11-25", 3, "interim", previous, "2026-11-25T09:00:00Z")
final = note(1, "2026-11-25", 7, "final", previous, "2026-11-25T23:59:59Z")

print(
    json.dumps(
        {
            "note": "Frozen: never edit. Made by seals.py.",
            "log": LOG.hex(),
            "first_day": "2026-11-24",
            "days": [
                {
                    "number": number,
                    "seed": days[number][0].hex(),
                    "public_key": public_key(days[number][1]).hex(),
                }
                for number in days
            ],
            "seed_file": seed_file.hex(),
            "leaves": [leaf.hex() for leaf in leaves],
            "roots": [root(leaves[:size]).hex() for size in range(9)],
            "inclusion": [
                {"index": m, "size": size, "proof": [h.hex() for h in path(m, leaves[:size])]}
                for size in range(1, 9)
                for m in range(size)
            ],
            "consistency": [
                {"from": m, "to": size, "proof": [h.hex() for h in subproof(m, leaves[:size], True)]}
                for size in range(1, 9)
                for m in range(1, size + 1)
            ],
            "primary": PRIMARY,
            "subkey": SUBKEY,
            "empty_final": empty_final,
            "interim": interim,
            "final": final,
        },
        indent=1,
        ensure_ascii=False,
    )
)
