"""Makes leaf.txt: two leaves as docs/format.md section 7.1 defines them, with Python's hashlib alone.

    python3 leaf.py > leaf.txt
"""

from base64 import b64encode
from hashlib import sha256
from struct import pack


def leaf(log, seq, time, prev, session_keys, rest, origin, gap):
    return sha256(
        bytes([0, 2, 1]) + log + pack(">Qq", seq, time) + prev
        + sha256(session_keys).digest() + sha256(rest).digest()
        + sha256(origin).digest() + sha256(gap).digest()
    ).digest()


first = leaf(bytes(range(16)), 0, 1795552117, bytes(32), b"session-key packets", b"remaining packets", b"", b"")
second = leaf(b"\xa5" * 16, 2**64 - 1, -1, first, b"", b"x", bytes(range(80)), b"torn\n")
print("# Frozen: never edit. Made by leaf.py, which says of what.")
print(b64encode(first).decode())
print(b64encode(second).decode())
