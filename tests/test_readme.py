"""What the README tells in tables is what the code has."""

from __future__ import annotations

import re

from readme_tables import README, tables, written

import brocap_nb as bn


def test_the_tables_are_those_of_the_code() -> None:
    text = README.read_text()
    assert written(text) == text, "run: python tests/readme_tables.py"


def test_the_tables_have_every_column_and_every_code() -> None:
    made = tables()
    log = bn.ExchangeLog(":memory:")
    assert re.findall(r"^\| `(\w+)` \|", made["columns"], re.M) == list(log.frame().columns)
    assert re.findall(r"^\| `(\w+)` \|", made["error codes"], re.M) == list(bn.CATALOGUE)


def test_the_words_for_dtypes_are_those_of_the_frame() -> None:
    words = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", tables()["columns"], re.M))
    for name, dtype in bn.ExchangeLog(":memory:").frame().dtypes.items():
        assert words[str(name)].split(",")[0] in str(dtype), name


def test_what_it_names_is_there() -> None:
    text = README.read_text()
    for path in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (README.parent / path).exists(), path
    for name in set(re.findall(r"\bbn\.(\w+)", text)):
        assert hasattr(bn, name), name
    for name in set(re.findall(r"\blog\.(\w+)\(", text)) - {"har"}:
        assert hasattr(bn.ExchangeLog, name), name
