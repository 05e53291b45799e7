"""The one exception tree.

Every error a caller can meet is a `CertsvcError`. The first line of a class's docstring is its public English
title, `title_zh` the Chinese one; `code` is stable and never changes meaning; `status` is the HTTP status and
`exit_status` what the command line ends with. What is passed to the constructor is safe to show.
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

    def __init__(self, zh: str, en: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en
        self.problems = tuple(problems)

    @classmethod
    def title(cls) -> str:
        """The public English title: the first line of the class's docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]


class InvalidInput(CertsvcError):
    """The input is not acceptable"""

    code = "invalid_input"
    title_zh = "输入不合要求"
    status = 400


class InvalidIdentifier(InvalidInput):
    """The identifier is malformed"""

    code = "invalid_identifier"
    title_zh = "标识不合规则"


class WrongCheckCharacter(InvalidIdentifier):
    """The check character does not match"""

    code = "wrong_check_character"
    title_zh = "校验位不符"


class MalformedToken(InvalidInput):
    """The QR content is malformed"""

    code = "malformed_token"
    title_zh = "二维码内容不合格式"


class TokenTooLong(MalformedToken):
    """The QR content is too long"""

    code = "token_too_long"
    title_zh = "二维码内容过长"
    status = 414


class FileTooLarge(InvalidInput):
    """The file is too large"""

    code = "file_too_large"
    title_zh = "文件过大"
    status = 413


class NotAPdf(InvalidInput):
    """The file is not a PDF"""

    code = "not_a_pdf"
    title_zh = "不是 PDF 文件"
    status = 415


class UnreadableFile(InvalidInput):
    """The file cannot be read"""

    code = "unreadable_file"
    title_zh = "文件读不出来"
    status = 422


class ExternalFileRefused(InvalidInput):
    """The department's file cannot be taken"""

    code = "external_file_refused"
    title_zh = "部门的文件不能采用"
    status = 422


class MalformedDer(InvalidInput):
    """The message is malformed"""

    code = "malformed_der"
    title_zh = "报文不合格式"


class MessageTooLarge(InvalidInput):
    """The message is too large"""

    code = "message_too_large"
    title_zh = "报文过大"
    status = 413


class WrongMediaType(InvalidInput):
    """The message is of another kind than is taken here"""

    code = "wrong_media_type"
    title_zh = "报文种类不对"
    status = 415


class PayloadInvalid(InvalidInput):
    """The content of the certificate is not acceptable"""

    code = "payload_invalid"
    title_zh = "证照内容不合要求"
    status = 422


class MissingGlyph(PayloadInvalid):
    """No font has this character"""

    code = "missing_glyph"
    title_zh = "字库中没有这个字"


class TextTooLong(PayloadInvalid):
    """The text does not fit on the page"""

    code = "text_too_long"
    title_zh = "文字在版面上放不下"


class DocumentRefused(InvalidInput):
    """The document cannot be sealed"""

    code = "document_refused"
    title_zh = "这个文件不能盖章"
    status = 422


class TrustListInvalid(InvalidInput):
    """The trust list cannot be relied on"""

    code = "trust_list_invalid"
    title_zh = "信任列表不可信"
    status = 422


class WrongScope(InvalidInput):
    """The scope asked for is not the client's"""

    code = "wrong_scope"
    title_zh = "申请的范围超出登记的范围"


class NotFound(CertsvcError):
    """No such record"""

    code = "not_found"
    title_zh = "没有查到"
    status = 404


class Forbidden(CertsvcError):
    """Not allowed"""

    code = "forbidden"
    title_zh = "没有权限"
    status = 403


class AuthorizationRefused(Forbidden):
    """The authorisation to sign is not good"""

    code = "authorization_refused"
    title_zh = "签名授权无效"


class WrongCredentials(CertsvcError):
    """The client is not known"""

    code = "wrong_credentials"
    title_zh = "客户端身份不对"
    status = 401

    def __init__(self, zh: str, en: str, *, reason: str = "") -> None:
        """`reason` is one word for our own log: who is refused is told nothing of it."""
        super().__init__(zh, en)
        self.reason = reason


class TooManyRequests(CertsvcError):
    """Too many requests"""

    code = "too_many_requests"
    title_zh = "请求过多"
    status = 429

    def __init__(self, zh: str, en: str, *, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(zh, en)
        self.retry_after = retry_after


class Conflict(CertsvcError):
    """The request conflicts with what is on record"""

    code = "conflict"
    title_zh = "与已有记录冲突"
    status = 409


class ActNotAllowed(Conflict):
    """The act is not allowed from the present state"""

    code = "act_not_allowed"
    title_zh = "当前状态不允许这样做"


class ChangedMeanwhile(Conflict):
    """It changed meanwhile"""

    code = "changed_meanwhile"
    title_zh = "在此期间已有变化"
    status = 412


class TooMuchMissing(Conflict):
    """The list lacks too much of what was reported before"""

    code = "too_much_missing"
    title_zh = "清单缺失过多"


class KeyReused(Conflict):
    """The request key was used for other content"""

    code = "request_key_reused"
    title_zh = "请求编号已用于别的内容"
    status = 422

    @classmethod
    def of(cls, key: str) -> "KeyReused":
        """The error, for the request key that was used before."""
        return cls(f"请求编号 {key} 已用于别的内容。", f"The request key {key} was used for other content.")


class RequestInProgress(Conflict):
    """The same request is in progress"""

    code = "request_in_progress"
    title_zh = "同一请求正在办理"


class Unavailable(CertsvcError):
    """A part of the service cannot be reached"""

    code = "unavailable"
    title_zh = "服务的一部分暂时不可用"
    status = 503
    exit_status = 3


class RegisterUnavailable(Unavailable):
    """The register cannot be asked"""

    code = "register_unavailable"
    title_zh = "登记簿暂时无法查询"


class TimestampUnavailable(Unavailable):
    """No timestamp can be had"""

    code = "timestamp_unavailable"
    title_zh = "暂时取不到时间戳"


class RevocationDataStale(Unavailable):
    """The revocation data is not current"""

    code = "revocation_data_stale"
    title_zh = "吊销信息不在有效期内"


class Queued(Unavailable):
    """It is reserved and waits to be sealed"""

    code = "queued"
    title_zh = "已预留，等待盖章"

    def __init__(self, typed_code: str, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.typed_code = typed_code


class WorkersBusy(Unavailable):
    """All workers are busy"""

    code = "workers_busy"
    title_zh = "正忙，请稍后再试"


class SelfCheckFailed(CertsvcError):
    """Our own output did not pass the check"""

    code = "self_check_failed"
    title_zh = "签发后的自检没有通过"


class SealRefused(CertsvcError):
    """The page cannot be sealed"""

    code = "seal_refused"
    title_zh = "不能用印"
    status = 409


class SettingsError(CertsvcError):
    """The settings are wrong"""

    code = "settings_wrong"
    title_zh = "设置有误"


class CatalogError(CertsvcError):
    """A certificate type is wrong"""

    code = "catalog_wrong"
    title_zh = "证照类型定义有误"


class CustodyError(CertsvcError):
    """A key cannot be used"""

    code = "key_unusable"
    title_zh = "密钥无法使用"


class KeyLimitReached(CustodyError):
    """The key was used as often as it may be"""

    code = "key_limit_reached"
    title_zh = "密钥使用次数已达上限"


class CeremonyError(CertsvcError):
    """The key ceremony cannot go on"""

    code = "ceremony_wrong"
    title_zh = "密钥仪式无法继续"


class RecognitionWrong(CertsvcError):
    """A recognised authority is described wrongly"""

    code = "recognition_wrong"
    title_zh = "认可机构的资料有误"


class StoreError(CertsvcError):
    """The database cannot be used"""

    code = "database_wrong"
    title_zh = "数据库无法使用"


class MachineProblem(CertsvcError):
    """This machine cannot do what is asked"""

    code = "machine_problem"
    title_zh = "这台机器上做不到"
