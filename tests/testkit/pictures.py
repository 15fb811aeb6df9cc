"""Hostile pictures and documents, on standard output: pictures.py KIND [NUMBER ...]."""
import sys, struct, zlib


def png(width, height, colours=0, pixels=100):
    """A PNG that says it is so wide and high; behind it stand so many bytes of pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    data = zlib.compress(b"\xff" * pixels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def blank_png(width, height):
    """A white page: each line is a filter byte and its pixels."""
    line = b"\0" + b"\xff" * width
    whole = png(width, height, 0, 0)
    at = whole.index(b"IDAT") - 4
    data = zlib.compress(line * height)
    idat = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    return whole[:at] + idat + whole[whole.index(b"IEND") - 4:]


def jpeg(width, height):
    """A JPEG header that says it is so wide and high, and hardly anything behind it."""
    return (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
            + b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", height, width) + b"\1\1\x11\0"
            + b"\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9")


def pdf(pages, objects):
    head = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count %d/Kids[%s]>>" % pages]
    out = b"%PDF-1.4\n"
    for number, content in enumerate(head + objects, 1):
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    return out + b"trailer<</Root 1 0 R>>\n"


def page(size, more=b""):
    return b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]%s>>" % (size, size, more)


def pdf_of_size(points):
    """One page of so many points."""
    return pdf((1, b"3 0 R"), [page(points)])


def pdf_of_pages(count):
    """So many pages."""
    kids = b" ".join(b"%d 0 R" % number for number in range(3, count + 3))
    return pdf((count, kids), [page(10)] * count)


def pdf_in_a_circle():
    """A page tree that contains itself."""
    return pdf((1, b"2 0 R"), [])


def pdf_bomb(megabytes):
    """One page whose content inflates to so many megabytes of blanks."""
    deflate = zlib.compressobj(9)
    data = b"".join(deflate.compress(b" " * (1 << 20)) for _ in range(megabytes)) + deflate.flush()
    stream = b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(data), data)
    return pdf((1, b"3 0 R"), [page(600, b"/Contents 4 0 R"), stream])


kind, numbers = sys.argv[1], map(int, sys.argv[2:])
sys.stdout.buffer.write(globals()[kind](*numbers))
