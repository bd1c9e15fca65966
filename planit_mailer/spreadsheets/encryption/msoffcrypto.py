"""Decrypts and encrypts workbooks in memory; the only importer of msoffcrypto."""

import io
import struct
from collections.abc import Iterator

import msoffcrypto
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.format.xls97 import Xls97File
from msoffcrypto.method.ecma376_agile import ECMA376Agile
from msoffcrypto.method.rc4 import DocumentRC4
from msoffcrypto.method.rc4_cryptoapi import DocumentRC4CryptoAPI
from msoffcrypto.method.xor_obfuscation import DocumentXOR

# What the check of a password needs, in the order in which the library takes it.
VERIFIER = (
    *("passwordSalt", "passwordHashAlgorithm", "encryptedVerifierHashInput"),
    *("encryptedVerifierHashValue", "spinValue", "passwordKeyBits"),
)
MOST_SPINS = (
    1_000_000  # rounds of hashing that a file may ask for; Excel's are 100,000, [MS-OFFCRYPTO] allows ten million
)
BLOCK = 1_024  # bytes of a stream of .xls that have one RC4 key, [MS-XLS] 2.2.10
FILE_PASS = 0x2F
BOUND_SHEET, IN_CLEAR = 0x85, 4  # its first bytes are never encrypted
PLAIN = (0x809, FILE_PASS, 0x194, 0x195, 0xE1, 0x196, 0x138)  # records that never are, [MS-XLS] 2.2.10
SMALLEST = 4_096  # bytes; smaller streams stand elsewhere in the container, [MS-CFB] 2.9, and there the library errs
TURNED = bytes((byte >> 5 | byte << 3) & 0xFF for byte in range(256))  # five bits to the right


def decrypted(data: bytes, password: str) -> bytes:
    """The content of an encrypted workbook: the package, or the stream of records of an .xls.

    Raises InvalidKeyError if the password is wrong, and the library's own errors for a damaged file, or one with an
    unknown encryption.
    """
    file = msoffcrypto.OfficeFile(io.BytesIO(data))
    if isinstance(file, Xls97File):
        return _records_of(file, password)
    if file.type == "agile":
        _check(file, password)
    file.load_key(password=password, verify_password=file.type == "standard")
    out = io.BytesIO()
    file.decrypt(out)
    return out.getvalue()


def encrypted(data: bytes, password: str) -> bytes:
    """An .xlsx workbook as Excel encrypts it (agile, AES-256), so that it opens with a password.

    Raises ValueError for one that is smaller than any honest one: the library would write what nobody can open.
    """
    if len(data) <= SMALLEST:
        raise ValueError(f"no more than {SMALLEST} bytes")
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, out)
    return out.getvalue()


def _check(file: OOXMLFile, password: str) -> None:
    """Raise if the password is wrong, or checking takes too long; the library would hash twice for it."""
    if file.info["spinValue"] > MOST_SPINS:
        raise ValueError(f"more than {MOST_SPINS:,} rounds of hashing")
    if not ECMA376Agile.verify_password(password, *(file.info[name] for name in VERIFIER)):
        raise InvalidKeyError("another password")


def _records_of(file: Xls97File, password: str) -> bytes:
    """The records of an .xls. The library's own way leads over a temporary file, and takes seconds for a megabyte."""
    file.load_key(password)
    file.data.workbook.seek(0)
    stream = file.data.workbook.read()
    plain = bytearray(stream if file.type == "xor" else _by_rc4(file, stream))
    pattern = bytes(DocumentXOR.create_xor_array_method1(password)) if file.type == "xor" else b""
    for number, start, end in _records(stream):
        clear = end if number in PLAIN else min(start + IN_CLEAR, end) if number == BOUND_SHEET else start
        plain[start - 4 : clear] = stream[start - 4 : clear]
        if pattern:
            plain[clear:end] = _by_xor(stream[clear:end], pattern, clear + end - start)
        if number == FILE_PASS:
            plain[start - 4 : start - 2] = b"\0\0"  # nothing any more: readers go by it
    return bytes(plain)


def _records(stream: bytes) -> Iterator[tuple[int, int, int]]:
    """The records of a stream: number, and the positions of the data behind the four bytes of the head."""
    start = 4
    while start <= len(stream):
        number, size = struct.unpack_from("<HH", stream, start - 4)
        yield number, start, min(start + size, len(stream))
        start += size + 4


def _by_rc4(file: Xls97File, stream: bytes) -> bytes:
    """The stream as if all of it were encrypted: keys go by the place in it, heads of records included."""
    source = io.BytesIO(stream)
    if file.type == "rc4":
        out = DocumentRC4.decrypt(file.key, file.salt, source, BLOCK)
    else:
        out = DocumentRC4CryptoAPI.decrypt(file.key, file.salt, file.keySize, source, BLOCK)
    return bytes(out.getvalue())


def _by_xor(data: bytes, pattern: bytes, place: int) -> bytes:
    """Decrypt some bytes of a record; the start of the pattern depends on their position and the record's size."""
    first = place % len(pattern)
    repeated = (pattern[first:] + pattern * (len(data) // len(pattern) + 1))[: len(data)]
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return mixed.to_bytes(len(data), "little").translate(TURNED)
