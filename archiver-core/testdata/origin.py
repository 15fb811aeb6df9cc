"""Makes origin.txt: an origin proof as docs/format.md section 7.4 defines it, from fixed secrets, in pure integers.

    python3 origin.py > origin.txt

It hashes to the curve as RFC 9380 says (after checking itself against a vector of that RFC), makes the proof, verifies it, and
prints everything that an implementation meets on the way. It shares no code with the Rust library.
"""

from hashlib import sha1, sha256, sha512
from struct import pack

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
J = 486662


def sqrt(a):
    """A square root mod P, or None."""
    root = pow(a, (P + 3) // 8, P)
    if root * root % P != a % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    return root if root * root % P == a % P else None


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def mul(n, point):
    n, result = n % (8 * L), (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def negative(point):
    return (-point[0] % P, point[1])


def compress(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def u_coordinate(point):
    """RFC 7748 section 4.1."""
    return ((1 + point[1]) * pow(1 - point[1], -1, P) % P).to_bytes(32, "little")


def base():
    y = 4 * pow(5, -1, P) % P
    x = sqrt((y * y - 1) * pow(D * y * y + 1, -1, P) % P)
    return (x if x % 2 == 0 else P - x, y)


def expand_message_xmd(message, tag, length):
    """RFC 9380 section 5.3.1 with SHA-512. (The first block is hashed with b0 alone: with b0 xor zeros.)"""
    tag += bytes([len(tag)])
    b0 = sha512(bytes(128) + message + pack(">H", length) + b"\0" + tag).digest()
    out, block = b"", bytes(64)
    for i in range(1, -(-length // 64) + 1):
        block = sha512(bytes(a ^ b for a, b in zip(b0, block)) + bytes([i]) + tag).digest()
        out += block
    return out[:length]


def elligator2(u):
    """RFC 9380 section 6.7.1 on curve25519 (Z = 2), as a point of edwards25519 by the map of RFC 7748 section 4.1 (appendix D.1)."""
    x1 = -J * pow(1 + 2 * u * u, -1, P) % P
    square = lambda x: (x * x * x + J * x * x + x) % P
    y = sqrt(square(x1))
    if y is not None:
        x, sign = x1, 1
    else:
        x, sign = (-x1 - J) % P, 0
        y = sqrt(square(x))
    y = y if y % 2 == sign else P - y
    c1 = sqrt(-(J + 2) % P)
    c1 = c1 if c1 % 2 == 0 else P - c1
    if y == 0 or x == P - 1:
        return (0, 1)
    return (c1 * x * pow(y, -1, P) % P, (x - 1) * pow(x + 1, -1, P) % P)


def hash_to_curve(message, tag):
    """RFC 9380, suite edwards25519_XMD:SHA-512_ELL2_RO_."""
    uniform = expand_message_xmd(message, tag, 96)
    u0, u1 = (int.from_bytes(part, "big") % P for part in (uniform[:48], uniform[48:]))
    return mul(8, add(elligator2(u0), elligator2(u1)))


def check_against_the_rfc():
    """RFC 9380 appendix J.5.1, the messages "" and "abc"."""
    tag = b"QUUX-V01-CS02-with-edwards25519_XMD:SHA-512_ELL2_RO_"
    assert hash_to_curve(b"", tag) == (
        0x3C3DA6925A3C3C268448DCABB47CCDE5439559D9599646A8260E47B1E4822FC6,
        0x09A6C8561A0B22BEF63124C588CE4C62EA83A3C899763AF26D795302E115DC21,
    )
    assert hash_to_curve(b"abc", tag) == (
        0x608040B42285CC0D72CBB3985C6B04C935370C7361F4B7FBDB1AE7F8C1A8ECAD,
        0x1A8395B88338F22E435BBD301183E7F20A5F9DE643F11882FB237F88268A5531,
    )


def challenge(archive, points, place, session_keys, rest):
    counted = b"".join(bytes([len(f)]) + f for f in archive)
    log, seq, time, prev = place
    return sha512(
        b"archiver v1 origin\0" + counted + b"".join(map(compress, points))
        + bytes([2, 1]) + log + pack(">Qq", seq, time) + prev
        + sha256(session_keys).digest() + sha256(rest).digest()
    ).digest()[:16]


def number(text):
    return int.from_bytes(sha512(text).digest(), "little") % L


def main():
    check_against_the_rfc()
    B = base()
    G = hash_to_curve(b"second base", b"archiver-v1-origin-with-edwards25519_XMD:SHA-512_ELL2_RO_")
    eighth, t = number(b"archiver vector: r/8"), number(b"archiver vector: t")
    r = 8 * eighth % L
    R = mul(r, B)
    if R[0] % 2 == 1:
        r, R = L - r, negative(R)
    twin, A, A_twin = mul(r, G), mul(t, B), mul(t, G)

    primary = sha1(b"archiver vector: primary").digest()
    encryption = sha1(b"archiver vector: encryption").digest()
    wrapped = sha512(b"archiver vector: wrapped session key").digest()[:48]
    session_keys = (
        bytes([0xC1, 94, 3]) + encryption[-8:] + bytes([18, 1, 7, 0x40]) + u_coordinate(R) + bytes([48]) + wrapped
    )
    rest = b"archiver vector: remaining packets"
    place = (bytes(range(16)), 7, 1795552117, sha256(b"archiver vector: prev").digest())

    c = challenge((primary, encryption), (R, twin, A, A_twin), place, session_keys, rest)
    c_number = int.from_bytes(c, "little")
    s = (t + c_number * r) % L
    proof = compress(twin) + c + s.to_bytes(32, "little")

    verified_A = add(mul(s, B), mul(c_number, negative(R)))
    verified_A_twin = add(mul(s, G), mul(c_number, negative(twin)))
    assert (verified_A, verified_A_twin) == (A, A_twin)

    print("# Frozen: never edit. Made by origin.py, which says of what.")
    for name, value in [
        ("second base", compress(G)), ("r/8", eighth.to_bytes(32, "little")), ("t", t.to_bytes(32, "little")),
        ("primary", primary), ("encryption", encryption),
        ("log", place[0]), ("seq", pack(">Q", place[1])), ("time", pack(">q", place[2])), ("prev", place[3]),
        ("session-key packet", session_keys), ("remaining packets", rest),
        ("R", compress(R)), ("A", compress(A)), ("A twin", compress(A_twin)), ("proof", proof),
    ]:
        print(f"{name}: {value.hex()}")


main()
