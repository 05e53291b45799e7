"""A licence with thirty permits, and what a page weighs: requests, bytes, and how far things move while it loads."""

from dataclasses import dataclass, field, replace

from gallery import Gallery
from playwright.sync_api import Page
from playwright.sync_api import Request as PageRequest
from public_site import LINGNAN, certificate

from certsvc.ids import new_ref

PERMITS = 30
SHIFTS = """() => { window.moved = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.moved += entry.value;
}).observe({type: 'layout-shift', buffered: true}); }"""


@dataclass
class Weight:
    """What one page took from the server, by address."""

    bytes: dict[str, int] = field(default_factory=dict)

    def listen(self, page: Page) -> None:
        page.on("requestfinished", self._take)

    def _take(self, request: PageRequest) -> None:
        sizes = request.sizes()
        self.bytes[request.url] = sizes["responseBodySize"] + sizes["responseHeadersSize"]


def thirty(gallery: Gallery) -> str:
    """Put a licence with thirty permits on the shelf; its path."""
    licence = replace(certificate("business-licence-company", "good-lingnan"), ref=new_ref(None))
    food = certificate("food-business", "good-restaurant", licence=None, uscc=LINGNAN)
    permits = [
        replace(food, ref=new_ref(None), licence_ref=licence.ref, number=f"JY24419{number:09}")
        for number in range(PERMITS)
    ]
    gallery.site.shelf.certificates += [licence, *permits]
    return f"/C/{licence.ref.typed_code}"
