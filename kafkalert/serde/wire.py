"""Avro's two commonest encodings, for the bytes that are put together by hand on the hot path."""


def long_bytes(number: int) -> bytes:
    """Return `number` (64 bits) as Avro writes an int or long: zigzag, base-128 varint (Avro specification)."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def text_bytes(text: str) -> bytes:
    """`text` as Avro writes a string: its length in bytes, then UTF-8."""
    return bytes_text(text.encode())


def bytes_text(raw: bytes) -> bytes:
    """`text_bytes` of a text that is UTF-8 already."""
    size = len(raw)
    return (_SIZES[size] if size < len(_SIZES) else long_bytes(size)) + raw


_SIZES = [long_bytes(size) for size in range(256)]
