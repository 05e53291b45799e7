"""The steps of a day: each is what one person does, in their own browser."""

from datetime import UTC, datetime, timedelta

from day_room import APPROVER, AT, AUDITOR, CLERK, ITEM, Day, Seat

from certsvc.domain.calendar import beijing_date

NAME, CODE = "欧阳晓霞", "440524199001010026"
SHOWN = "欧阳**"
ANSWERS = {
    "applicant": NAME,
    "applicant_id": CODE,
    "water_address": "云山市云岗镇石塘村东二巷7号",
    "account": "4419-0051187",
    "residents": "3",
    "receiver": "云山市云岗水务有限公司",
    "purpose": "办理居民阶梯水费户籍人口核增",
}
NAMES = ("欧阳晓霞", "欧阳志明", "李小䶮")
WRONG_ADDRESS, RIGHT_ADDRESS = "请核对门牌：登记簿上是东二巷17号。", "云山市云岗镇石塘村东二巷17号"


def applied(resident: Seat) -> str:
    """A resident asks on a phone; the code on the slip."""
    resident.go(f"/apply/441900/{ITEM}")
    resident.page.get_by_role("link", name="网上申请").click()
    resident.page.get_by_role("link", name="云山市云岗镇石塘村村民委员会").click()
    resident.page.fill("#f-applicant_id", CODE[:-1] + "5")
    resident.page.get_by_role("button", name="提交申请").last.click()
    assert "校验" in resident.page.locator(".summary[role=alert]").inner_text(), "a wrong check digit is said"
    assert resident.page.input_value("#f-applicant_id") == CODE[:-1] + "5"
    resident.looks_right("apply-wrong")
    for key, value in ANSWERS.items():
        resident.page.fill(f"#f-{key}", value)
    for number, name in enumerate(NAMES, 1):
        resident.page.fill(f"#f-names-{number}", name)
    resident.page.fill("#contact", "0000-00000315")
    for box in resident.page.locator("input[name^=agree]").all():
        box.check()
    resident.looks_right("apply-form")
    resident.page.get_by_role("button", name="提交申请").last.click()
    resident.page.wait_for_selector("[aria-labelledby=slip]")
    resident.looks_right("apply-sent")
    code: str = (
        resident.page.locator("[aria-labelledby=slip] .code").first.inner_text().replace("\n", "-").replace(" ", "-")
    )
    assert NAME not in resident.reads() and CODE not in resident.reads(), "nothing personal on the slip"
    return code


def with_passkey(seat: Seat, *, again: bool = True) -> None:
    """Add a passkey, and sign in with it."""
    assert seat.person is not None
    seat.go("/village/account")
    known = seat.page.locator("#passkeys summary").count()
    seat.page.fill("#passkey-name", "办公室电脑")
    seat.page.fill("#passkey-password", seat.person.password)
    seat.page.fill("#passkey-code", seat.day.codes.next(seat.person))
    seat.page.click("form[data-passkey=create] button")
    seat.page.locator("#passkeys summary").nth(known).wait_for()
    if again:
        seat.page.click(".who button")
        seat.page.click("form[data-passkey=get] button")
        seat.page.wait_for_url(f"**{AT}**")


def filled_and_submitted(clerk: Seat) -> None:
    """The clerk records how it was seen who asks, completes the form, and submits."""
    one = clerk.request(SHOWN)
    clerk.looks_right("inbox-clerk")
    clerk.go(one)
    assert "村证" not in clerk.reads()
    clerk.page.locator("form[action*='/identity'] input[value=in_person]").check()
    clerk.page.click("form[action*='/identity'] button")
    clerk.page.wait_for_load_state()
    clerk.looks_right("request-draft")
    clerk.go(f"{one}/form")
    first, last = beijing_date(datetime.now(UTC)), beijing_date(datetime.now(UTC)) + timedelta(days=364)
    clerk.page.fill("#f-valid_from", first.isoformat())
    clerk.page.fill("#f-valid_to", last.isoformat())
    clerk.page.fill("#f-phone", "0000-00000315")
    clerk.page.locator("input[name=way]").first.check()
    clerk.page.fill("#notes", "看过户口簿，与申请一致。")
    clerk.looks_right("form")
    clerk.page.click("button[name=then][value=check]")
    clerk.page.wait_for_load_state()
    submitted(clerk, one)


def submitted(clerk: Seat, one: str) -> None:
    """Put before the approver, after a look at the page as it will be."""
    clerk.go(f"{one}/preview")
    assert "无效" in clerk.reads() or "预览" in clerk.reads()
    clerk.looks_right("preview")
    clerk.go(one)
    clerk.page.click("form[action*='/submit'] button")
    clerk.page.wait_for_load_state()
    assert "审批" in clerk.reads() and clerk.page.locator(".summary[role=alert]").count() == 0, clerk.reads()


def returned(approver: Seat) -> None:
    """The approver sends it back; without a reason that is refused."""
    one = approver.request(SHOWN)
    approver.go(one)
    approver.looks_right("approve")
    approver.page.click("form:has(#reason) button")
    approver.page.locator(".summary[role=alert]").wait_for()
    approver.page.fill("#reason", WRONG_ADDRESS)
    approver.page.click("form:has(#reason) button")
    approver.page.wait_for_load_state()
    approver.go(one)
    assert WRONG_ADDRESS in approver.reads() and "已退回" in approver.reads()


def corrected(clerk: Seat) -> None:
    """The clerk reads why, corrects and submits again."""
    one = clerk.request(SHOWN)
    clerk.go(one)
    assert WRONG_ADDRESS in clerk.reads()
    clerk.go(f"{one}/form")
    clerk.page.fill("#f-water_address", RIGHT_ADDRESS)
    clerk.page.click("button[name=then][value=check]")
    clerk.page.wait_for_load_state()
    submitted(clerk, one)


def approved_in_a_sitting(approver: Seat) -> None:
    """What changed is shown first; the mark is no approval yet, the passkey is."""
    one = approver.request(SHOWN)
    approver.go(f"{AT}/sitting?open={one.rpartition('/')[2]}")
    assert "东二巷7号" in approver.reads() and "东二巷17号" in approver.reads()
    approver.looks_right("sitting-one")
    approver.page.click("form:has(input[value=mark]) button")
    approver.page.wait_for_load_state()
    approver.go(f"{AT}/sitting")
    approver.looks_right("sitting")
    approver.confirm()
    approver.page.wait_for_url("**done=**")
    approver.looks_right("sitting-done")


def handed_out(clerk: Seat, one: str) -> str:
    """The secret that is handed to the person who was seen."""
    clerk.go(f"{one}/handing")
    clerk.page.locator("input[name=to][value=applicant]").check()
    clerk.page.locator("input[name=seen][value=in_person]").check()
    clerk.page.click("form[action*='/handing'] button")
    clerk.page.locator("[aria-labelledby=slip]").wait_for()
    clerk.looks_right("handing")
    secret: str = (
        clerk.page.locator("[aria-labelledby=slip] .code").first.inner_text().replace("\n", "").replace(" ", "")
    )
    return secret


def fetched(resident: Seat, code: str, secret: str) -> bytes:
    """With code and secret the file; with the code and another secret nothing."""
    resident.go("/apply/file")
    resident.page.fill("#code", code)
    resident.page.fill("#secret", "0" * len(secret))
    resident.page.click("form[data-code] button.main")
    resident.page.locator(".error[role=alert]").wait_for()
    resident.looks_right("fetch-wrong")
    resident.page.fill("#code", code)
    resident.page.fill("#secret", secret)
    with resident.page.expect_download() as download:
        resident.page.click("form[data-code] button.main")
    return download.value.path().read_bytes()


def verdict(seat: Seat, address: str) -> str:
    """What a scan says."""
    seat.go(address)
    return seat.page.locator("h1").first.inner_text()


def cancelled(clerk: Seat, approver: Seat, one: str) -> None:
    """The clerk asks, and the approver agrees, with the passkey."""
    clerk.go(one)
    clerk.page.locator("details:has(form[action*='/cancel']) summary").click()
    clerk.page.select_option("#cancel-reason_code", index=1)
    clerk.page.select_option("#cancel-legal_basis", index=1)
    for name, text in (("reason", "名单把外村人员列入"), ("decision_number", "石塘村撤〔2026〕2号")):
        clerk.page.fill(f"#cancel-{name}", text)
    clerk.page.click("form[action*='/cancel'] button")
    clerk.page.wait_for_load_state()
    approver.go(one)
    approver.looks_right("approve-cancelling")
    approver.confirm()
    approver.day.waited(approver, one, "已撤销")


def audited(day: Day, one: str) -> None:
    """The auditor reads the inbox, the request and the book; no page has a form that writes (one finds a request), and
    a forged one is refused."""
    with day.seat(AUDITOR) as auditor:
        for path, said in (
            (AT, SHOWN),
            (one, WRONG_ADDRESS),
            (f"{AT}/book", APPROVER.name),
            (f"{AT}/seal", CLERK.name),
        ):
            assert auditor.go(path) == 200, path
            assert said in auditor.reads(), (path, auditor.reads())
            forms = auditor.page.locator(f"main form[method=post]:not([action^='{AT}/find'])")
            assert forms.count() == 0, (path, forms.first.inner_html())
        auditor.looks_right("book")
        assert auditor.go(f"{AT}/new") in (403, 404)
        auditor.go("/village/account")
        token = auditor.page.locator("input[name=form_token]").first.input_value()
        for act in ("withdraw", "correct", "decide"):
            fields: dict[str, str | float | bool] = {
                "form_token": token,
                "seen": "1",
                "key": "forged",
                "opinion": "return",
                "reason": "x",
            }
            origin = {"Origin": day.base, "Sec-Fetch-Site": "same-origin"}
            answer = auditor.page.request.post(f"{day.base}{one}/{act}", form=fields, headers=origin)
            assert answer.status == 403, (act, answer.status, answer.text()[:500])
