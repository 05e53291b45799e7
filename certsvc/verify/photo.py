"""A photo of a paper: its QR is read as a phone would read it, and the answer is that of the scan. The photo itself
proves nothing: a good QR may stand on the wrong paper.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from certsvc.domain.calendar import TermState
from certsvc.errors import FileTooLarge, MalformedToken, NoQrInPhoto, NotAPdf, PhotoFormat, UnreadableFile
from certsvc.verify.examined import Examined
from certsvc.verify.file import examine_file
from certsvc.verify.inspection import MAX_FILE
from certsvc.verify.looking_shapes import Code, Codes, Unseen
from certsvc.verify.report import Check, Outcome, Report, Soundness, conclude
from certsvc.verify.scan import verify_scan
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token
from certsvc.verify.unsealed import codes_of_ours

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
APPLE = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"})
"""Brands of files after ISO/IEC 23008-12 and AV1, which phones make and most programs do not open."""


async def examine_upload(verifying: Verifying, data: bytes, now: datetime) -> Examined:
    """Report on whatever a stranger brings: a photo (JPEG, PNG, WebP), else as `examine_file`.

    Raises:
        PhotoFormat: a photo in a format of phones that is not read here.
        NoQrInPhoto: no QR of ours can be read in it.
        FileTooLarge, NotAPdf, UnreadableFile, WorkersBusy, MalformedToken: see `examine_file`, `verify_scan`.
    """
    if data[4:8] == b"ftyp" and data[8:12] in APPLE:
        raise PhotoFormat(
            "这是 HEIC 或 AVIF 格式的照片，这里读不了。请截一张屏，或在手机设置里把相机格式改为“兼容性最佳”再拍。",
            "This photo is HEIC or AVIF, which is not read here. Take a screenshot of it, or set the camera to the "
            "most compatible format and take it again.",
        )
    if not is_photo(data):
        return await examine_file(verifying, data, now)
    return await _examine_photo(verifying, data, now)


def is_photo(data: bytes) -> bool:
    """Whether it begins as a JPEG, PNG or WebP file does."""
    return data.startswith((JPEG, PNG)) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


async def _examine_photo(verifying: Verifying, data: bytes, now: datetime) -> Examined:
    if len(data) > MAX_FILE:
        raise FileTooLarge("文件超过 20 MiB。", "The file is over 20 MiB.")
    if verifying.looker is None:
        raise NotAPdf("这不是 PDF 文件。", "This is not a PDF file.")
    seen = await verifying.looker.read(data)
    if isinstance(seen, Unseen):
        raise _unseen(seen)
    known = _known(verifying, seen.ours)
    if not known:
        raise _no_code(seen)
    if len({code.digits for code in known}) > 1:
        codes = codes_of_ours(verifying, (code.digits for code in known))
        return Examined(_report(Soundness.UNKNOWN, Check("photo", Outcome.UNKNOWN, "several_codes"), now, codes))
    (code, *_) = known
    if verifying.hosts and not {each.host for each in known} <= verifying.hosts:
        elsewhere = Check("photo", Outcome.FAILED, "other_host")  # whoever scans it is not answered by us
        return Examined(_report(Soundness.UNSOUND, elsewhere, now))
    report = await verify_scan(verifying, code.digits, now)
    checks = (Check("photo", Outcome.PASSED, "qr_read"), *report.checks)
    return Examined(replace(report, source="photo", checks=checks), digits=code.digits)


def _known(verifying: Verifying, codes: Sequence[Code]) -> tuple[Code, ...]:
    """The codes that count: those whose digits are a token. If only one host is ours, others beside it are passed over
    only where they are no token at all."""
    return tuple(code for code in codes if _is_token(verifying, code.digits))


def _is_token(verifying: Verifying, digits: str) -> bool:
    try:
        check_token(digits, verifying.anchors)
    except MalformedToken:
        return False
    return True


def _report(document: Soundness, check: Check, now: datetime, codes: tuple[str, ...] = ()) -> Report:
    return Report(
        asked_at=now,
        source="photo",
        document=document,
        status=None,
        status_age_s=None,
        term=TermState.UNKNOWN,
        verdict=conclude(document, None, TermState.UNKNOWN),
        checks=(check,),
        codes=codes,
    )


def _unseen(seen: Unseen) -> UnreadableFile:
    if seen.reason == "too_large":
        return UnreadableFile(
            "这张照片的像素太多（超过 6000 万），没有读。请缩小后再试，或只拍二维码附近。",
            "This photo has too many pixels (over 60 million) and was not read. Make it smaller, or take the QR alone.",
        )
    return UnreadableFile(
        "这张照片打不开，可能已损坏。请重新拍一张。", "This photo does not open: it may be damaged. Take another one."
    )


def _no_code(seen: Codes) -> NoQrInPhoto:
    if seen.others:
        return NoQrInPhoto(
            "照片里的二维码不是本系统的。营业执照上可能有两个二维码：请拍旁边印有查验码的那个。",
            "The QR in this photo is not of this service. A business licence may have two: take the one with the typed "
            "code beside it.",
        )
    return NoQrInPhoto(
        "照片里读不到二维码。请靠近些、拍正、避开反光，让二维码占画面的三分之一以上；也可以输入查验码。",
        "No QR can be read in this photo. Go nearer, hold it straight, avoid reflections, so that the QR fills a third "
        "of the picture; or type the code.",
    )
