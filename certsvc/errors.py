"""The one exception tree.

Every error a caller can meet is a `CertsvcError`. The first line of a class's docstring is its public English
title, `title_zh` the Chinese one; `code` is stable and never changes meaning; `status` is the HTTP status and
`exit_status` what the command line ends with. What a class does not say it has from its parent. What is passed to the
constructor is safe to show.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it is, a stable code, and what to do, in both languages."""

    field: str
    code: str
    zh: str
    en: str


class CertsvcError(Exception):
    """Something went wrong"""

    code: ClassVar[str] = "internal"
    title_zh: ClassVar[str] = "出了问题"
    status: ClassVar[int] = 500
    exit_status: ClassVar[int] = 2

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        title_zh: str | None = None,
        status: int | None = None,
        exit_status: int | None = None,
    ) -> None:
        super().__init_subclass__()
        cls.code, cls.title_zh = code or cls.code, title_zh or cls.title_zh
        cls.status = cls.status if status is None else status
        cls.exit_status = cls.exit_status if exit_status is None else exit_status

    def __init__(self, zh: str, en: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.problems = tuple(problems)

    @classmethod
    def title(cls) -> str:
        """The public English title: the first line of the class's docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class InvalidInput(CertsvcError, code="invalid_input", title_zh="输入不合要求", status=400):
    """The input is not acceptable"""


class InvalidIdentifier(InvalidInput, code="invalid_identifier", title_zh="标识不合规则"):
    """The identifier is malformed"""


class WrongCheckCharacter(InvalidIdentifier, code="wrong_check_character", title_zh="校验位不符"):
    """The check character does not match"""


class AnotherAddress(InvalidIdentifier, code="another_address", title_zh="通向别处"):
    """The address is not one of ours"""


class MalformedToken(InvalidInput, code="malformed_token", title_zh="二维码内容不合格式"):
    """The QR content is malformed"""


class TokenTooLong(MalformedToken, code="token_too_long", title_zh="二维码内容过长", status=414):
    """The QR content is too long"""


class MalformedReceipt(InvalidInput, code="malformed_receipt", title_zh="不是完整的回执"):
    """It is no whole receipt"""


class FileTooLarge(InvalidInput, code="file_too_large", title_zh="文件过大", status=413):
    """The file is too large"""


class NotAPdf(InvalidInput, code="not_a_pdf", title_zh="不是 PDF 文件", status=415):
    """The file is not a PDF"""


class PhotoFormat(InvalidInput, code="photo_format", title_zh="照片格式不能读", status=415):
    """The photo's format is not read here"""


class NoQrInPhoto(InvalidInput, code="no_qr_in_photo", title_zh="照片里没有可用的二维码", status=422):
    """No QR of this service can be read in the photo"""


class UnreadableFile(InvalidInput, code="unreadable_file", title_zh="文件读不出来", status=422):
    """The file cannot be read"""


class ExternalFileRefused(InvalidInput, code="external_file_refused", title_zh="部门的文件不能采用", status=422):
    """The department's file cannot be taken"""


class MalformedDer(InvalidInput, code="malformed_der", title_zh="报文不合格式"):
    """The message is malformed"""


class MessageTooLarge(InvalidInput, code="message_too_large", title_zh="报文过大", status=413):
    """The message is too large"""


class WrongMediaType(InvalidInput, code="wrong_media_type", title_zh="报文种类不对", status=415):
    """The message is of another kind than is taken here"""


class PayloadInvalid(InvalidInput, code="payload_invalid", title_zh="证照内容不合要求", status=422):
    """The content of the certificate is not acceptable"""


class MissingGlyph(PayloadInvalid, code="missing_glyph", title_zh="字库中没有这个字"):
    """No font has this character"""


class TextTooLong(PayloadInvalid, code="text_too_long", title_zh="文字在版面上放不下"):
    """The text does not fit on the page"""


class EvidenceRefused(InvalidInput, code="evidence_refused", title_zh="这个附件收不下", status=422):
    """This attachment cannot be taken"""


class DocumentRefused(InvalidInput, code="document_refused", title_zh="这个文件不能盖章", status=422):
    """The document cannot be sealed"""


class ProofRefused(InvalidInput, code="proof_refused", title_zh="村里不能开", status=422):
    """The village cannot issue this proof"""


class TrustListInvalid(InvalidInput, code="trust_list_invalid", title_zh="信任列表不可信", status=422):
    """The trust list cannot be relied on"""


class WrongScope(InvalidInput, code="wrong_scope", title_zh="申请的范围超出登记的范围"):
    """The scope asked for is not the client's"""


class NotFound(CertsvcError, code="not_found", title_zh="没有查到", status=404):
    """No such record"""


class Forbidden(CertsvcError, code="forbidden", title_zh="没有权限", status=403):
    """Not allowed"""


class AuthorizationRefused(Forbidden, code="authorization_refused", title_zh="签名授权无效"):
    """The authorisation to sign is not good"""


BEARER = 'Bearer realm="certsvc"'
"""Who shows no access token is asked for one (RFC 6750 section 3)."""


class WrongCredentials(CertsvcError, code="wrong_credentials", title_zh="客户端身份不对", status=401):
    """The client is not known"""

    def __init__(self, zh: str, en: str, *, reason: str = "", challenge: str = BEARER) -> None:
        """`reason` is one word for our own log: who is refused is told nothing of it. `challenge` says how a client may
        say who it is there (RFC 9110 section 11.6.1)."""
        super().__init__(zh, en)
        self.challenge, self.reason = challenge, reason


class TooManyRequests(CertsvcError, code="too_many_requests", title_zh="请求过多", status=429):
    """Too many requests"""

    def __init__(self, zh: str, en: str, *, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(zh, en)
        self.retry_after = retry_after


class NoTryLeft(TooManyRequests, code="no_try_left", title_zh="暂时不能再试"):
    """No try is left for now"""


class SignInLocked(TooManyRequests, code="sign_in_locked", title_zh="暂时不能登录"):
    """Signing in is closed for now"""


class SignInRefused(Forbidden, code="sign_in_refused", title_zh="登录没有成功"):
    """Who you are was not shown"""


class NotSignedIn(CertsvcError, code="not_signed_in", title_zh="请先登录", status=401):
    """Sign in first"""

    def __init__(self, address: str) -> None:
        """`address` is where to: the page for signing in, or the one with what is to be done first."""
        super().__init__("请先登录。", "Sign in first.")
        self.address = address


class ForeignForm(Forbidden, code="foreign_form", title_zh="表单不是从本站发出的"):
    """The form does not come from this site"""


class FullViewRefused(Forbidden, code="full_view_refused", title_zh="打不开全文"):
    """The full view does not open"""


class HandingRefused(Forbidden, code="handing_refused", title_zh="取不到证明"):
    """The proof is not handed out"""

    @classmethod
    def at_all(cls) -> "HandingRefused":
        """The error, for whatever reason it is: who tries is not told which."""
        return cls(
            "取不到：查询码或取件码不对，或者取件码已经用过、过期、试错太多。请对照再输一次；"
            "还是不行的，请本人到村（居）委会柜台另领一个取件码。",
            "It is not handed out: the code or the collection number is wrong, or the number was used, is too old, or "
            "was mistyped too often. Compare and try again; if that does not help, get a new number at the counter.",
        )


class Conflict(CertsvcError, code="conflict", title_zh="与已有记录冲突", status=409):
    """The request conflicts with what is on record"""


class ActNotAllowed(Conflict, code="act_not_allowed", title_zh="当前状态不允许这样做"):
    """The act is not allowed from the present state"""


class ChangedMeanwhile(Conflict, code="changed_meanwhile", title_zh="在此期间已有变化", status=412):
    """It changed meanwhile"""


class TooMuchMissing(Conflict, code="too_much_missing", title_zh="清单缺失过多"):
    """The list lacks too much of what was reported before"""


class KeyReused(Conflict, code="request_key_reused", title_zh="请求编号已用于别的内容", status=422):
    """The request key was used for other content"""

    @classmethod
    def of(cls, key: str) -> "KeyReused":
        """The error, for the request key that was used before."""
        return cls(f"请求编号 {key} 已用于别的内容。", f"The request key {key} was used for other content.")


class ReportedBefore(Conflict, code="reported_before", title_zh="这份表单已经提交过"):
    """This form was sent before"""

    def __init__(self, number: str, zh: str, en: str) -> None:
        """`number` is that of the report which the form became then."""
        super().__init__(zh, en)
        self.number = number


class RequestInProgress(Conflict, code="request_in_progress", title_zh="同一请求正在办理"):
    """The same request is in progress"""


class Unavailable(CertsvcError, code="unavailable", title_zh="服务的一部分暂时不可用", status=503, exit_status=3):
    """A part of the service cannot be reached"""


class RegisterUnavailable(Unavailable, code="register_unavailable", title_zh="登记簿暂时无法查询"):
    """The register cannot be asked"""


class ProviderUnavailable(Unavailable, code="provider_unavailable", title_zh="统一身份认证没有应答"):
    """The OpenID provider does not answer"""


class TimestampUnavailable(Unavailable, code="timestamp_unavailable", title_zh="暂时取不到时间戳"):
    """No timestamp can be had"""


class RevocationDataStale(Unavailable, code="revocation_data_stale", title_zh="吊销信息不在有效期内"):
    """The revocation data is not current"""


class Queued(Unavailable, code="queued", title_zh="已预留，等待盖章"):
    """It is reserved and waits to be sealed"""

    def __init__(self, typed_code: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.typed_code = typed_code


class WorkersBusy(Unavailable, code="workers_busy", title_zh="正忙，请稍后再试"):
    """All workers are busy"""


class SelfCheckFailed(CertsvcError, code="self_check_failed", title_zh="签发后的自检没有通过"):
    """Our own output did not pass the check"""


class SealRefused(CertsvcError, code="seal_refused", title_zh="不能用印", status=409):
    """The page cannot be sealed"""

    def __init__(self, zh: str, en: str, *, reason: str = "seal_refused", seal_id: str | None = None) -> None:
        """`reason` is one stable word for why it waits, `seal_id` the seal that was refused, if it was one."""
        super().__init__(zh, en)
        self.reason, self.seal_id = reason, seal_id


class SettingsError(CertsvcError, code="settings_wrong", title_zh="设置有误"):
    """The settings are wrong"""


class CatalogError(CertsvcError, code="catalog_wrong", title_zh="证照类型定义有误"):
    """A certificate type is wrong"""


class CustodyError(CertsvcError, code="key_unusable", title_zh="密钥无法使用"):
    """A key cannot be used"""


class KeyLimitReached(CustodyError, code="key_limit_reached", title_zh="密钥使用次数已达上限"):
    """The key was used as often as it may be"""


class CeremonyError(CertsvcError, code="ceremony_wrong", title_zh="密钥仪式无法继续"):
    """The key ceremony cannot go on"""


class RecognitionWrong(CertsvcError, code="recognition_wrong", title_zh="认可机构的资料有误"):
    """A recognised authority is described wrongly"""


class StoreError(CertsvcError, code="database_wrong", title_zh="数据库无法使用"):
    """The database cannot be used"""


class MachineProblem(CertsvcError, code="machine_problem", title_zh="这台机器上做不到"):
    """This machine cannot do what is asked"""
