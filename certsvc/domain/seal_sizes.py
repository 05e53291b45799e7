"""How large a seal is and what stands in its middle: by the rank of its owner, or by its kind, each with its source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from certsvc.domain.seal import Centre, Seal, SealDesign, SealKind
from certsvc.errors import InvalidInput, Problem

PURPOSES = {SealKind.FINANCE: "财务专用章", SealKind.INVOICE: "发票专用章", SealKind.CONTRACT: "合同专用章"}
"""What stands on seals of these kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSize:
    """One row: the width in millimetres, or the usual one where the rule only says how large at `most`, and the `least`
    is ours; the height of an oval; the centre. `from_memory` marks what could not be compared with the text of its
    source."""

    zh: str
    en: str
    width_mm: float
    centre: Centre
    source: str
    most_mm: float | None = None
    least_mm: float = 0
    height_mm: float | None = None
    from_memory: bool = False


LEAST_MM, LEAST_NAME_SEAL_MM = 35, 16
"""Where a rule has no least width: that of a steel seal (国发〔1999〕25号), and of a name seal that can be read."""

STATE_COUNCIL = "国发〔1999〕25号"
POLICE = "公安机关刻章管理通行做法"

RANKS: Mapping[str, SealSize] = {
    "state-council": SealSize(
        zh="国务院", en="the State Council", width_mm=60, centre=Centre.EMBLEM, source=STATE_COUNCIL
    ),
    "ministry": SealSize(
        zh="省级政府、国务院办公厅、部委",
        en="a province, the State Council's office, a ministry",
        width_mm=50,
        centre=Centre.EMBLEM,
        source=STATE_COUNCIL,
    ),
    "state-agency": SealSize(
        zh="国务院正部级直属机构、办事机构",
        en="an agency under the State Council, of a ministry's rank",
        width_mm=50,
        centre=Centre.EMBLEM,
        source=STATE_COUNCIL,
    ),
    "state-agency-deputy": SealSize(
        zh="国务院副部级直属机构、办事机构",
        en="an agency under the State Council, of a deputy ministry's rank",
        width_mm=45,
        centre=Centre.EMBLEM,
        source=STATE_COUNCIL,
    ),
    "coordinating-body": SealSize(
        zh="国务院议事协调机构",
        en="a coordinating body of the State Council",
        width_mm=50,
        centre=Centre.STAR,
        source=STATE_COUNCIL,
    ),
    "state-bureau": SealSize(
        zh="部委管理的国家局",
        en="a state bureau under a ministry",
        width_mm=45,
        centre=Centre.EMBLEM,
        source=STATE_COUNCIL,
    ),
    "government": SealSize(
        zh="自治州、市、县、市辖区政府",
        en="the government of a prefecture, city, county or district",
        width_mm=45,
        centre=Centre.EMBLEM,
        source=STATE_COUNCIL,
    ),
    "prefecture-office": SealSize(
        zh="地区行政公署", en="a prefecture's office", width_mm=45, centre=Centre.STAR, source=STATE_COUNCIL
    ),
    "township": SealSize(
        zh="乡（镇）政府", en="the government of a township", width_mm=42, centre=Centre.STAR, source=STATE_COUNCIL
    ),
    "department": SealSize(
        zh="行政机关的内设机构、直属单位",
        en="a department of an administrative organ, or a unit under it",
        width_mm=42,
        most_mm=45,
        least_mm=LEAST_MM,
        centre=Centre.STAR,
        source=STATE_COUNCIL,
    ),
    "unit": SealSize(
        zh="企业、事业单位、社会团体、村（居）民委员会",
        en="an enterprise, institution, association, or village committee",
        width_mm=42,
        most_mm=45,
        least_mm=LEAST_MM,
        centre=Centre.STAR,
        source=STATE_COUNCIL,
    ),
    "limited-company": SealSize(
        zh="有限责任公司",
        en="a limited company",
        width_mm=40,
        centre=Centre.STAR,
        source=POLICE,
        from_memory=True,
    ),
    "sole-trader": SealSize(
        zh="个体工商户、个人独资企业",
        en="a sole trader or sole proprietorship",
        width_mm=38,
        centre=Centre.STAR,
        source=POLICE,
        from_memory=True,
    ),
    "foreign-invested": SealSize(
        zh="中外合资（合作）、外商独资企业",
        en="an enterprise with foreign investment",
        width_mm=45,
        height_mm=30,
        centre=Centre.NONE,
        source=POLICE,
        from_memory=True,
    ),
}
"""Seals of kind 01 by the rank of the owner."""

KINDS: Mapping[SealKind, SealSize] = {
    SealKind.FINANCE: SealSize(
        zh="财务专用章",
        en="finance seal",
        width_mm=38,
        most_mm=40,
        least_mm=LEAST_MM,
        centre=Centre.NONE,
        source=POLICE,
        from_memory=True,
    ),
    SealKind.INVOICE: SealSize(
        zh="发票专用章",
        en="invoice seal",
        width_mm=40,
        height_mm=30,
        centre=Centre.NONE,
        source="国家税务总局公告2011年第7号",
        from_memory=True,
    ),
    SealKind.CONTRACT: SealSize(
        zh="合同专用章",
        en="contract seal",
        width_mm=40,
        most_mm=58,
        least_mm=LEAST_MM,
        centre=Centre.NONE,
        source=POLICE,
        from_memory=True,
    ),
    SealKind.PERSONAL: SealSize(
        zh="个人名章",
        en="personal name seal",
        width_mm=20,
        most_mm=25,
        least_mm=LEAST_NAME_SEAL_MM,
        centre=Centre.NONE,
        source="通行规格",
        from_memory=True,
    ),
}
"""Seals of the other kinds are of one size, whoever owns them."""


def size_of(kind: SealKind, rank: str) -> SealSize:
    """The row that rules a seal.

    Raises:
        InvalidInput: there is no such rank.
    """
    if kind is not SealKind.LEGAL_NAME:
        return KINDS[kind]
    if rank not in RANKS:
        known = ", ".join(RANKS)
        raise InvalidInput(f"没有 {rank} 这一级别，可用：{known}。", f"There is no rank {rank}; known: {known}.")
    return RANKS[rank]


def require_size(seal: Seal, *, demonstration: bool) -> None:
    """Refuse a seal that is not as its row says. The national emblem is supplied, never drawn; in a demonstration a
    ring stands in its place.

    Raises:
        InvalidInput: with every problem.
    """
    size = size_of(seal.design.kind, seal.rank)
    problems = [*_size_problems(seal.design, size), *_content_problems(seal)]
    if seal.design.centre is Centre.EMBLEM and seal.design.picture is None and not demonstration:
        problems.append(
            Problem(
                "picture",
                "emblem_not_supplied",
                "国徽不由本系统绘制：请提供制作好的印章图像。",
                "The national emblem is not drawn here: supply the picture of the seal.",
            )
        )
    if problems:
        first = problems[0]
        raise InvalidInput(
            f"印章 {seal.id} 不合规格：{first.zh}",
            f"The seal {seal.id} is not as the rule has it: {first.en}",
            problems=problems,
        )


def _size_problems(design: SealDesign, size: SealSize) -> Iterator[Problem]:
    width, most = design.diameter_mm, size.most_mm
    if most is not None and not width >= size.least_mm:
        yield Problem(
            "diameter_mm",
            "wrong_size",
            f"{size.zh}的印章不得小于 {size.least_mm:g} 毫米，否则印文认不清；现在是 {width:g}。",
            f"The seal of {size.en} measures at least {size.least_mm:g} mm, to be read, not {width:g}: diameter_mm.",
        )
    if width != size.width_mm if most is None else not width <= most:
        zh, en = ("应为", "measures") if most is None else ("不得大于", "measures at most")
        yield Problem(
            "diameter_mm",
            "wrong_size",
            f"{size.zh}的印章{zh} {most or size.width_mm:g} 毫米（{size.source}），不是 {width:g}。",
            f"The seal of {size.en} {en} {most or size.width_mm:g} mm ({size.source}), not {width:g}: diameter_mm.",
        )
    if design.height_mm != size.height_mm:
        yield Problem("height_mm", "wrong_shape", "印章的形状不对。", "The seal has another shape: height_mm.")
    if design.centre is not size.centre and not (design.purpose and design.centre is Centre.NONE):
        yield Problem(
            "centre",
            "wrong_centre",
            f"{size.zh}的印章中央应为 {size.centre}；只有专用章可以没有五角星。",
            f"In the centre of the seal of {size.en} stands: {size.centre}; only a seal with a purpose is without.",
        )


def _content_problems(seal: Seal) -> Iterator[Problem]:
    design = seal.design
    purpose = PURPOSES.get(design.kind)
    if purpose is not None and purpose not in (design.purpose or ""):
        yield Problem(
            "purpose", "wrong_purpose", f"这类印章应刻“{purpose}”。", f"On a seal of this kind stands {purpose}."
        )
    if design.kind is SealKind.INVOICE and design.code != seal.owner_uscc:
        yield Problem(
            "code",
            "wrong_code",
            "发票专用章中央是纳税人识别号，即统一社会信用代码。",
            "In the middle of an invoice seal stands the taxpayer's number, which is the USCC.",
        )
    if design.kind is SealKind.PERSONAL:
        yield from _name_seal_problems(design)


def _name_seal_problems(design: SealDesign) -> Iterator[Problem]:
    if not 2 <= len(design.name) <= 6:
        yield Problem(
            "name", "wrong_name", "个人名章的姓名应为 2 至 6 个字。", "The name on a name seal has 2 to 6 characters."
        )
    for field, text in (("purpose", design.purpose), ("code", design.code)):
        if text:
            yield Problem(
                field,
                "name_alone",
                f"个人名章上只有姓名，不刻“{text}”。",
                f"On a name seal stands the name alone, not {text}: {field}.",
            )
