"""Rows of a batch say of their page what an order of one certificate says, in NDJSON and in CSV."""

import msgspec
import pytest
from chosen import tree_catalog
from external_walks import LICENCE

from certsvc.domain.acts import Act
from certsvc.domain.batch import BatchRequest, Form
from certsvc.domain.external import ExternalFile, SealSpot
from certsvc.issuance.batches.line import BadRow, content_bytes, order_of, read_content, read_json
from certsvc.issuance.batches.table import columns_of, read_header, read_record

SHA256 = "ab" * 32


def request(act: Act = Act.ISSUE) -> BatchRequest:
    return BatchRequest(client="x", key="k", act=act, type_id=LICENCE, form=Form.NDJSON)


def test_a_line_carries_layout_and_file_to_its_order() -> None:
    place = {"sha256": SHA256, "x_mm": 200, "y_mm": 20.5, "seal": {"x_mm": 1, "y_mm": 2}}
    line = {"key": "1", "payload": {"a": 1}, "layout": "external", "file": place}
    said = read_json(msgspec.json.encode(line), request())
    content = read_content(content_bytes(said.content))
    order = order_of(content, "x", "1", Act.ISSUE, tree_catalog().latest(LICENCE))
    spot = SealSpot(x_mm=1, y_mm=2)
    assert order.layout == "external"
    assert order.file == ExternalFile(sha256=bytes.fromhex(SHA256), page=1, x_mm=200, y_mm=20.5, seal=spot)


@pytest.mark.parametrize(
    "wrong", [{"layout": "duplicate"}, {"file": {"sha256": "x", "x_mm": 1, "y_mm": 1}}, {"file": {"sha256": SHA256}}]
)
def test_a_line_that_says_it_wrongly_is_a_bad_row(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRow):
        read_json(msgspec.json.encode({"payload": {}, **wrong}), request())


def test_an_act_that_makes_no_sheet_takes_neither() -> None:
    with pytest.raises(BadRow, match="layout"):
        read_json(msgspec.json.encode({"code": "x", "layout": "external"}), request(Act.SUSPEND))


def test_a_table_has_columns_for_it() -> None:
    kind = tree_catalog().latest(LICENCE)
    columns = columns_of(kind, Act.ISSUE)
    names = read_header("uscc,_layout,_file_sha256,_file_page,_file_x_mm,_file_y_mm,_file_module_mm", columns)
    said = read_record(f"91441900MA51ABC088,external,{SHA256},1,200,20.5,0.42", names, columns)
    order = order_of(read_content(content_bytes(said.content)), "x", "1", Act.ISSUE, kind)
    assert order.file == ExternalFile(sha256=bytes.fromhex(SHA256), page=1, x_mm=200, y_mm=20.5, module_mm=0.42)
    assert order.layout == "external"
    assert not any(name.startswith("_file") for name in columns_of(kind, Act.SUSPEND).names)
