#!/usr/bin/env python3
"""Makes VAULT-000007.retired and retired-leaves.txt from docs/format.md §7.1 and §7.5, with the standard library only.

The unfinished SHA-256 of the gap needs the compression function (FIPS 180-4 §6.2.2), which hashlib does not show: it is written out here.
"""

import base64
import hashlib
import struct
from datetime import datetime, timezone


def primes(count):
    found, n = [], 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return found


def fraction(n, root):
    """The first 32 bits of the fractional part of a square or cube root, by integers."""
    low, high = 0, n << 64
    scaled = n << (32 * root)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**root <= scaled:
            low = middle
        else:
            high = middle - 1
    return low & 0xFFFFFFFF


K = [fraction(p, 3) for p in primes(64)]
H = [fraction(p, 2) for p in primes(8)]


def rotate(x, n):
    return ((x >> n) | (x << (32 - n))) & 0xFFFFFFFF


def compress(state, block):
    w = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >> 3)
        s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >> 10)
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & 0xFFFFFFFF)
    a, b, c, d, e, f, g, h = state
    for t in range(64):
        t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t]
        t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
        a, b, c, d, e, f, g, h = (t1 + t2) & 0xFFFFFFFF, a, b, c, (d + t1) & 0xFFFFFFFF, e, f, g
    return [(x + y) & 0xFFFFFFFF for x, y in zip(state, (a, b, c, d, e, f, g, h))]


# The compression function is the one of SHA-256.
assert struct.pack(">8I", *compress(H, b"abc\x80" + bytes(58) + b"\0\x18")) == hashlib.sha256(b"abc").digest()


def sha(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


def rfc3339(unix):
    return datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def leaf(log, seq, time, prev, parts):
    return sha(b"\0\x02\x01" + log + struct.pack(">Qq", seq, time) + prev + parts)


T0 = 1_480_000_000
LOG_A, LOG_B = bytes(range(16)), bytes([0xB5] * 16)
lines, leaves = [], []


def begin(log, first, last, prev):
    lines.append(f"log {log.hex()} seq {first} to {last} prev {b64(prev)}")


def whole(log, seq, time, prev, *texts):
    parts = b"".join(sha(text) for text in texts)
    lines.append(f"{rfc3339(time)} {b64(parts)}")
    leaves.append(leaf(log, seq, time, prev, parts))
    return leaves[-1]


prev = sha(b"the leaf before")
begin(LOG_A, 41, 43, prev)
prev = whole(LOG_A, 41, T0, prev, b"session-key packets", b"remaining packets", b"", b"")
prev = whole(LOG_A, 42, T0, prev, b"s", b"r", bytes(80), b"torn\n")
claimed = sha(b"the leaf that a damaged record claimed")
lines.append(f"damaged {rfc3339(T0 + 5)} {b64(claimed)}")
leaves.append(claimed)
begin(LOG_B, 0, 0, claimed)
whole(LOG_B, 0, T0 - 100_000, claimed, b"", b"x", bytes(range(80)), b"")

gap = bytes(range(70))
state = struct.pack(">8I", *compress(H, gap[:64]))
text = "\n".join(
    [
        "archiver retired 1",
        f"segment 7 bytes 4711 sha256 {sha(b'the segment').hex()}",
        "retired 2026-11-28T08:00:00Z",
        "reason zehn Jahre sind um: § 147 AO",
        "records 4 without-header 1 torn 2",
        *lines,
        f"gap bytes {len(gap)} state {state.hex()} rest {b64(gap[64:])} lf no",
        "",
    ]
).encode()
check = sha(b"archiver v1 retired\0" + text).hex()
open("VAULT-000007.retired", "wb").write(text + f"check {check}\n".encode())
open("retired-leaves.txt", "w").write("".join(b64(hash) + "\n" for hash in leaves))
