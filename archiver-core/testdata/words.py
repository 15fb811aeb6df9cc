#!/usr/bin/env python3
"""An independent reference for the words of docs/format.md §4.2, standard library only.

Prints the frozen vector `words.txt` from the frames of `classic-2-of-3.json`. It shares no code with the Rust library.

    python3 words.py > words.txt
"""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
WORDS = (HERE / "../src/words/slip39-english.txt").read_text().split()


def times(a, b):
    product = 0
    for bit in range(10):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(18, 9, -1):
        if product >> bit & 1:
            product ^= 0b10000001001 << (bit - 10)
    return product


def alpha(exponent):
    power = 1
    for _ in range(exponent):
        power = times(power, 2)
    return power


def rows(frame):
    version, body = frame[0], frame[1:]
    body += bytes(-len(body) % 5)
    for r in range(len(body) // 5):
        bits = int.from_bytes(body[5 * r : 5 * r + 5], "big")
        numbers = [bits >> shift & 1023 for shift in (30, 20, 10, 0)]
        check = alpha(32 * version + r)
        for i, number in enumerate(numbers):
            check ^= times(alpha(i + 1), number)
        yield "ABCDEFGHIJKLMNOPQR"[r], numbers + [check]


for share in json.loads((HERE / "classic-2-of-3.json").read_text())["shares"]:
    print(f"Share {share['x']}")
    for letter, numbers in rows(bytes.fromhex(share["frame"])):
        print(letter, *(WORDS[number] for number in numbers))
