"""Decrypts and encrypts workbooks in memory. Only this module imports msoffcrypto."""

import io
import struct
from collections.abc import Iterator
from typing import NamedTuple

import msoffcrypto
from msoffcrypto.exceptions import InvalidKeyError
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.format.xls97 import Xls97File
from msoffcrypto.method.ecma376_agile import ECMA376Agile
from msoffcrypto.method.rc4 import DocumentRC4
from msoffcrypto.method.rc4_cryptoapi import DocumentRC4CryptoAPI
from msoffcrypto.method.xor_obfuscation import DocumentXOR

# What the library needs to check a password, in the order of its parameters.
VERIFIER = (
    "passwordSalt",
    "passwordHashAlgorithm",
    "encryptedVerifierHashInput",
    "encryptedVerifierHashValue",
    "spinValue",
    "passwordKeyBits",
)
# Rounds of hashing that a file may ask for. Excel's are 100,000, [MS-OFFCRYPTO] allows ten million.
MOST_SPINS = 1_000_000
BLOCK = 1_024  # bytes of an .xls stream with the same RC4 key, [MS-XLS] 2.2.10
HEAD = 4  # bytes of a record: its number and size
FILE_PASS = 0x2F
BOUND_SHEET, BOUND_SHEET_CLEAR = 0x85, 4  # the first bytes of this record are never encrypted
CLEAR_RECORDS = (0x809, FILE_PASS, 0x194, 0x195, 0xE1, 0x196, 0x138)  # are never encrypted, [MS-XLS] 2.2.10
# Bytes. The container keeps smaller streams elsewhere, [MS-CFB] 2.9, and the library makes mistakes there.
SMALLEST = 4_096
ROTATED = bytes((byte >> 5 | byte << 3) & 0xFF for byte in range(256))  # five bits to the right


def decrypted(data: bytes, password: str) -> bytes:
    """Return the contents of an encrypted workbook: the package, or the records of an .xls, which its reader accepts.

    Raises InvalidKeyError if the password is wrong. Raises the library's own errors if the file is damaged, or
    encrypted in a way that the library does not know.
    """
    file = msoffcrypto.OfficeFile(io.BytesIO(data))
    if isinstance(file, Xls97File):
        return _decrypted_records(file, password)
    if file.type == "agile":
        _check(file, password)
    file.load_key(password=password, verify_password=file.type == "standard")
    out = io.BytesIO()
    file.decrypt(out)
    return out.getvalue()


def encrypted(data: bytes, password: str) -> bytes:
    """Return an .xlsx workbook, encrypted as Excel does it (agile, AES-256), that opens with a password.

    Raises ValueError if it is smaller than any real one: the library would write a file that nobody can open.
    """
    if len(data) <= SMALLEST:
        raise ValueError(f"no more than {SMALLEST} bytes")
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, out)
    return out.getvalue()


def _check(file: OOXMLFile, password: str) -> None:
    """Raise an error if the password is wrong, or takes too long to check. The library would hash twice for that."""
    if file.info["spinValue"] > MOST_SPINS:
        raise ValueError(f"more than {MOST_SPINS:,} rounds of hashing")
    verifier = [file.info[name] for name in VERIFIER]
    if not ECMA376Agile.verify_password(password, *verifier):
        raise InvalidKeyError("another password")


def _decrypted_records(file: Xls97File, password: str) -> bytes:
    """Return the decrypted records of an .xls.

    The library itself would use a temporary file, and take seconds for a megabyte.
    """
    file.load_key(password)
    file.data.workbook.seek(0)
    stream = file.data.workbook.read()
    plain = _by_xor(stream, password) if file.type == "xor" else _by_rc4(file, stream)
    for record in _records(stream):
        clear = slice(record.start - HEAD, record.encrypted_from)
        plain[clear] = stream[clear]
        if record.number == FILE_PASS:
            number = slice(record.start - HEAD, record.start - 2)
            plain[number] = b"\0\0"  # a number without meaning, or readers would take the stream for encrypted
    return bytes(plain)


class _Record(NamedTuple):
    """A record of a stream: its number, and three offsets in the stream.

    The data begin at `start`, behind the head, and end at `end`. They are encrypted from `encrypted_from` on.
    """

    number: int
    start: int
    encrypted_from: int
    end: int


def _records(stream: bytes) -> Iterator[_Record]:
    start = HEAD
    while start <= len(stream):
        number, size = struct.unpack_from("<HH", stream, start - HEAD)
        end = min(start + size, len(stream))
        yield _Record(number, start, _encrypted_from(number, start, end), end)
        start += size + HEAD


def _encrypted_from(number: int, start: int, end: int) -> int:
    if number in CLEAR_RECORDS:
        return end
    if number == BOUND_SHEET:
        return min(start + BOUND_SHEET_CLEAR, end)
    return start


def _by_rc4(file: Xls97File, stream: bytes) -> bytearray:
    """Decrypt a stream as if all of it were encrypted. Keys depend on the offset in it, and heads of records count."""
    source = io.BytesIO(stream)
    if file.type == "rc4":
        out = DocumentRC4.decrypt(file.key, file.salt, source, BLOCK)
    else:
        out = DocumentRC4CryptoAPI.decrypt(file.key, file.salt, file.keySize, source, BLOCK)
    return bytearray(out.getvalue())


def _by_xor(stream: bytes, password: str) -> bytearray:
    """Decrypt the encrypted data of each record in a stream."""
    pattern = bytes(DocumentXOR.create_xor_array_method1(password))
    plain = bytearray(stream)
    for record in _records(stream):
        data = stream[record.encrypted_from : record.end]
        size = record.end - record.start
        plain[record.encrypted_from : record.end] = _unmasked(data, pattern, record.encrypted_from + size)
    return plain


def _unmasked(data: bytes, pattern: bytes, offset_and_size: int) -> bytes:
    """Decrypt some bytes of a record. The pattern's start depends on their offset plus the size of the record."""
    first = offset_and_size % len(pattern)
    repeated = (pattern[first:] + pattern * (len(data) // len(pattern) + 1))[: len(data)]
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(repeated, "little")
    return mixed.to_bytes(len(data), "little").translate(ROTATED)
