"""What a page shows of a file or photo beside the verdict: signatures that are not ours, what changed, codes in a
photo, and the standard's words for every check."""

from dataclasses import dataclass

from certsvc.http.language import Language
from certsvc.http.verifier.changed import ChangedView, changed_view
from certsvc.http.verifier.foreign_seal import ForeignView, foreign_view
from certsvc.verify.changed import Changed
from certsvc.verify.indications import STANDARD, Indication, indications, overall
from certsvc.verify.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesView:
    """`etsi` has the standard's words for each check in its order, empty where it has none; `note` is what to heed of a
    photo or scan, `codes` are links to the certificates in a photo with several."""

    foreign: ForeignView | None
    changed: ChangedView | None
    codes: tuple[str, ...]
    note: str
    etsi: tuple[str, ...]
    overall: str


def files_view(report: Report, changed: Changed | None, language: Language) -> FilesView:
    """Everything there is to show."""
    found = overall(report.checks)
    return FilesView(
        foreign=foreign_view(report.foreign, language),
        changed=changed_view(changed, language),
        codes=report.codes,
        note=_note(report, language),
        etsi=tuple(map(_etsi, indications(report.checks))),
        overall=f"{STANDARD}: {_etsi(found)}" if found else "",
    )


def has_pictures(view: FilesView) -> bool:
    """Whether the page holds pictures of its own, which its security policy must allow."""
    return view.changed is not None and bool(view.changed.pairs)


def _note(report: Report, language: Language) -> str:
    if report.certificate is None:
        return ""  # nothing is shown to compare the paper with
    if report.source == "photo":
        return str(language.words["photo"]["note"])
    scanned = any(check.reason == "picture_only" for check in report.checks)
    return str(language.words["photo"]["scan_note"]) if scanned else ""


def _etsi(found: Indication | None) -> str:
    if found is None:
        return ""
    return " / ".join(filter(None, (found.status.value, found.sub.value if found.sub else "", f"({found.clause})")))
