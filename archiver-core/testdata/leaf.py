"""Makes leaf.txt: two leaves as docs/format.md section 7.1 defines them, with Python's hashlib alone.

    python3 leaf.py > leaf.txt
"""

from hashlib import sha256
from struct import pack


def leaf(log, seq, time, prev, session_keys, rest, gap):
    return sha256(
        bytes([0, 1, 1]) + log + pack(">Qq", seq, time) + prev
        + sha256(session_keys).digest() + sha256(rest).digest()
        + sha256(b"").digest() + sha256(gap).digest()
    ).digest()


first = leaf(bytes(range(16)), 0, 1795552117, bytes(32), b"session-key packets", b"remaining packets", b"")
second = leaf(b"\xa5" * 16, 2**64 - 1, -1, first, b"", b"x", b"torn\n")
print("# Frozen: never edit. Made by leaf.py, which says of what.")
print(first.hex())
print(second.hex())
