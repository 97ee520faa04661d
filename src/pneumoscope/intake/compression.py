"""Inflating within a limit."""

import zlib

from pneumoscope.core import UnreadableError


def inflate(compressed: bytes, *, limit: int, check: str, path: str) -> bytes:
    """Inflate a raw deflate stream (no zlib header); never hold more than `limit` bytes.

    Raises:
        UnreadableError: The stream is damaged, cut off, or longer than `limit`.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(compressed, limit + 1)
    except zlib.error as error:
        found = f"a damaged one ({error})"
        raise UnreadableError(check, expected="a deflate stream", found=found, path=path) from error
    if len(content) > limit:
        raise UnreadableError(check, expected=f"at most {limit:,} bytes inflated", found="more", path=path)
    if not stream.eof:
        raise UnreadableError(check, expected="a whole deflate stream", found="one that is cut off", path=path)
    return content
