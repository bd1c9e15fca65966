"""Locks workbooks in every way that Office has had, so that tests need no files of it. Layouts: [MS-OFFCRYPTO]."""

import struct
from collections.abc import Callable, Iterator
from hashlib import md5, sha1
from io import BytesIO

import olefile
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msoffcrypto.format.ooxml import OOXMLFile
from msoffcrypto.method.container.ecma376_encrypted import ECMA376Encrypted
from msoffcrypto.method.xor_obfuscation import DocumentXOR
from xlwt.CompoundDoc import XlsDoc

SALT = bytes(range(16))
VERIFIER = bytes(range(16, 32))
CLEAR = {0x809, 0x2F, 0x194, 0x195, 0xE1, 0x196, 0x138}
BOUND_SHEET = 0x85
Lock = Callable[[bytes, str], bytes]
Hide = Callable[[bytes, int, int], bytes]  # the stream, and where a record stands in it


def agile(data: bytes, password: str) -> bytes:
    """An .xlsx, .xlsm or .xlsb as Excel has locked it since 2010."""
    out = BytesIO()
    OOXMLFile(BytesIO(data)).encrypt(password, out)
    return out.getvalue()


def standard(data: bytes, password: str) -> bytes:
    """The same as Excel 2007 did, AES-128 (section 2.3.4.5)."""
    key = sha1(SALT + password.encode("utf-16-le")).digest()
    for number in range(50_000):
        key = sha1(struct.pack("<I", number) + key).digest()
    key = sha1(key + bytes(4)).digest()
    key = sha1(bytes(a ^ b for a, b in zip(key.ljust(64, b"\0"), b"\x36" * 64, strict=True))).digest()[:16]
    header = struct.pack("<8I", 0x24, 0, 0x660E, 0x8004, 128, 24, 0, 0) + "AES\0".encode("utf-16-le")
    digest = sha1(VERIFIER).digest().ljust(32, b"\0")
    checks = struct.pack("<I", 16) + SALT + _aes(key, VERIFIER) + struct.pack("<I", 20) + _aes(key, digest)
    info = struct.pack("<HHII", 4, 2, 0x24, len(header)) + header + checks
    out = BytesIO()
    ECMA376Encrypted(struct.pack("<Q", len(data)) + _aes(key, data + bytes(-len(data) % 16)), info).write_to(out)
    return out.getvalue()


def rc4(data: bytes, password: str) -> bytes:
    """An .xls as Excel 97 locked it (section 2.3.6)."""
    half = md5((md5(password.encode("utf-16-le")).digest()[:5] + SALT) * 16).digest()[:5]

    def key(block: int) -> bytes:
        return md5(half + struct.pack("<I", block)).digest()

    checks = _rc4(key(0), VERIFIER + md5(VERIFIER).digest())
    return _locked(data, struct.pack("<HHH", 1, 1, 1) + SALT + checks, _by_blocks(key))


def crypto_api(data: bytes, password: str) -> bytes:
    """An .xls as Excel 2003 locked it, RC4 with 128 bits (section 2.3.5)."""
    whole = sha1(SALT + password.encode("utf-16-le")).digest()

    def key(block: int) -> bytes:
        return sha1(whole + struct.pack("<I", block)).digest()[:16]

    header = struct.pack("<8I", 4, 0, 0x6801, 0x8004, 128, 1, 0, 0) + "RC4\0".encode("utf-16-le")
    sealed = _rc4(key(0), VERIFIER + sha1(VERIFIER).digest())
    checks = struct.pack("<I", 16) + SALT + sealed[:16] + struct.pack("<I", 20) + sealed[16:]
    info = struct.pack("<HHHII", 1, 2, 2, 4, len(header)) + header + checks
    return _locked(data, info, _by_blocks(key))


def xor(data: bytes, password: str) -> bytes:
    """An .xls as Excel 95 hid it (section 2.3.7)."""
    pattern = DocumentXOR.create_xor_array_method1(password)
    check = 0
    for byte in [*map(ord, reversed(password)), len(password)]:
        check = (check >> 14 & 1 | check << 1 & 0x7FFF) ^ byte
    info = struct.pack("<HHH", 0, DocumentXOR.create_xor_key_method1(password), check ^ 0xCE4B)

    def hidden(stream: bytes, start: int, size: int) -> bytes:
        turned = ((byte << 5 | byte >> 3) & 0xFF for byte in stream[start : start + size])
        return bytes(byte ^ pattern[(start + size + place) % 16] for place, byte in enumerate(turned))

    return _locked(data, info, hidden)


def _aes(key: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def _rc4(key: bytes, data: bytes) -> bytes:
    return Cipher(ARC4(key), mode=None).encryptor().update(data)


def _by_blocks(key: Callable[[int], bytes]) -> Hide:
    """Encrypts a record: each 1,024 bytes of the stream have a key of their own."""

    def hidden(stream: bytes, start: int, size: int) -> bytes:
        blocks = range(start // 1024, (start + size) // 1024 + 1)
        flow = b"".join(_rc4(key(block), bytes(1024)) for block in blocks)[start % 1024 :]
        return bytes(a ^ b for a, b in zip(stream[start : start + size], flow, strict=False))

    return hidden


def _locked(data: bytes, info: bytes, hidden: Hide) -> bytes:
    """The container again, with a record that says how it is locked and every other record hidden."""
    with olefile.OleFileIO(BytesIO(data)) as file:
        stream = file.openstream("Workbook").read().rstrip(b"\0")
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    more = struct.pack("<HH", 0x2F, len(info)) + info
    stream = bytearray(stream[:first] + more + stream[first:])
    for number, start, _ in list(_records(stream)):
        if number == BOUND_SHEET:
            struct.pack_into("<I", stream, start, struct.unpack_from("<I", stream, start)[0] + len(more))
    plain = bytes(stream)
    for number, start, size in _records(plain):
        if number not in CLEAR:
            skip = 4 if number == BOUND_SHEET else 0
            stream[start + skip : start + size] = hidden(plain, start, size)[skip:]
    return _container(bytes(stream))


def _records(stream: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    start = 4
    while start <= len(stream):
        number, size = struct.unpack_from("<HH", stream, start - 4)
        yield number, start, size
        start += size + 4


def _container(stream: bytes) -> bytes:
    out = BytesIO()
    XlsDoc().save(out, stream)
    return out.getvalue()
