"""What rows ask for, and why they were refused in words, lie in the register encrypted, each bound to its place."""

import msgspec

from certsvc.domain.batch import NewRow, RowError
from certsvc.errors import CustodyError, Problem
from certsvc.issuance.batches.line import RowContent, content_bytes, read_content
from certsvc.services import PayloadCipher
from certsvc.store.batches import SealedRow

LONGEST_ERROR = 65536


class _Words(msgspec.Struct, frozen=True):
    zh: str
    en: str
    problems: tuple[tuple[str, str, str, str], ...] = ()


def sealed_row(cipher: PayloadCipher, batch_id: str, row: NewRow) -> SealedRow:
    """A row as it is kept."""
    if row.error is not None:
        words = sealed_error(cipher, batch_id, row.line, row.error)
        return SealedRow(line=row.line, key=row.key, sealed=None, error_code=row.error.code, sealed_error=words)
    sealed = cipher.encrypt(content_bytes(row.content or {}), _content(batch_id, row.line))
    return SealedRow(line=row.line, key=row.key, sealed=sealed)


def open_content(cipher: PayloadCipher, batch_id: str, line: int, sealed: bytes, key_id: str) -> RowContent:
    """What a row asks for. Raises `CustodyError`."""
    return read_content(cipher.decrypt(sealed, _content(batch_id, line), key_id))


def sealed_error(cipher: PayloadCipher, batch_id: str, line: int, error: RowError) -> bytes:
    """Why a row was refused, as it is kept; without the problems where they are too long."""
    problems = tuple((one.field, one.code, one.zh, one.en) for one in error.problems)
    words = msgspec.json.encode(_Words(error.zh[:4000], error.en[:4000], problems))
    if len(words) > LONGEST_ERROR:
        words = msgspec.json.encode(_Words(error.zh[:4000], error.en[:4000]))
    return cipher.encrypt(words, _error(batch_id, line))


def open_error(cipher: PayloadCipher, batch_id: str, line: int, code: str, sealed: bytes, key_id: str) -> RowError:
    """Why a row was refused; the code alone where the words cannot be read any more."""
    try:
        words = msgspec.json.decode(cipher.decrypt(sealed, _error(batch_id, line), key_id), type=_Words)
    except (CustodyError, msgspec.DecodeError):
        return RowError(code=code, zh="原因的文字已读不出。", en="The words of the reason cannot be read any more.")
    return RowError(code=code, zh=words.zh, en=words.en, problems=tuple(Problem(*one) for one in words.problems))


def _content(batch_id: str, line: int) -> bytes:
    return f"{batch_id}/{line}".encode()


def _error(batch_id: str, line: int) -> bytes:
    return f"{batch_id}/{line}/error".encode()
