"""Printed numbers: a series is a template in which only the serial and the check digit are open."""

import re
from dataclasses import dataclass

from certsvc.ids import check_digit_mod_11_10


@dataclass(frozen=True, slots=True)
class NumberSeries:
    """A series of printed numbers, such as `JY1441900{serial:06}{check}`; the template is also its name.

    `check` names the rule of the check digit (`iso7064_mod_11_10`, over all digits before it) or is None.
    """

    template: str
    check: str | None = None

    def number(self, serial: int) -> str:
        """The printed number with this serial, counted from 1."""
        if self.check is None:
            return self.template.format(serial=serial)
        head, tail = self.template.split("{check}")
        head = head.format(serial=serial)
        return head + check_digit_mod_11_10(re.sub(r"\D", "", head)) + tail.format(serial=serial)
