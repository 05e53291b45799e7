"""Printed numbers: a series is a template in which only the serial and the check digit are open."""

import re
import unicodedata
from dataclasses import dataclass

from certsvc.errors import Conflict
from certsvc.ids import check_digit_mod_11_10

BRACKETS = str.maketrans("([【)]】", "〔〔〔〕〕〕")


@dataclass(frozen=True, slots=True)
class NumberSeries:
    """A series of printed numbers, such as `JY1441900{serial:06}{check}`; the template is also its name.

    `check` names the rule of the check digit (`iso7064_mod_11_10`, over all digits before it) or is None.
    """

    template: str
    check: str | None = None

    @property
    def last_serial(self) -> int | None:
        """The greatest serial there is room for where the length is fixed by a check digit; other numbers may grow."""
        width = re.search(r"\{serial:0([0-9]+)\}", self.template)
        return 10 ** int(width[1]) - 1 if self.check is not None and width else None

    def number(self, serial: int) -> str:
        """The printed number with this serial, counted from 1.

        Raises:
            Conflict: the series is used up; see `last_serial`.
        """
        if self.check is None:
            return self.template.format(serial=serial)
        if self.last_serial is not None and serial > self.last_serial:
            raise Conflict(f"号段 {self.template} 已用完。", f"The series {self.template} is used up.")
        head, tail = self.template.split("{check}")
        head = head.format(serial=serial)
        return head + check_digit_mod_11_10(re.sub(r"[^0-9]", "", head)) + tail.format(serial=serial)


def as_printed(typed: str) -> str:
    """A number as it is printed, of what somebody typed: a keyboard has other brackets, other figures, and spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", typed)).translate(BRACKETS)
