import locale

import pytest

from streams.records import RawRecord, ascii_fold, header, without


@pytest.mark.parametrize(
    ("name", "folded"),
    [("X-SIGNATURE", "x-signature"), ("TRANSFER-ENCODING", "transfer-encoding"), ("PAYMENT.ITEM", "payment.item")],
)
def test_protocol_names_fold_the_same_in_every_locale(name: str, folded: str) -> None:
    before = locale.setlocale(locale.LC_ALL)
    found = []
    try:
        for wanted in ("C", "tr_TR.UTF-8", "tr_TR.utf8"):
            try:
                locale.setlocale(locale.LC_ALL, wanted)
            except locale.Error:  # not installed on this machine; "C" always is
                continue
            found.append(ascii_fold(name))
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert set(found) == {folded}


@pytest.mark.parametrize("name", ["\u0130", "\u0131", "\u00c7", "\u212a"])  # İ, the dotless i, Ç, Kelvin
def test_letters_beyond_ascii_are_left_alone(name: str) -> None:
    assert ascii_fold(name) == name


def test_a_header_is_found_whatever_the_case_and_the_first_one_counts() -> None:
    assert header([("CE_ID", b"1"), ("ce_id", b"2")], "Ce_Id") == b"1"


def test_headers_are_left_out_by_prefix() -> None:
    assert without([("Kolaj-Dead-Reason", b"x"), ("other", None)], "kolaj-dead-") == (("other", None),)


def test_a_null_header_reads_as_empty_and_is_still_null_in_the_record() -> None:
    record = RawRecord("t", 0, 0, 0, None, None, (("a", None),))
    assert (record.readable_headers, record.headers) == ((("a", b""),), (("a", None),))
