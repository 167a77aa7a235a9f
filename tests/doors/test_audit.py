"""Files are searched for a key: wherever it stands, in whatever dress, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from dresses import DRESSES
from peer import Peer, http

import brocap_nb as bn
from brocap_nb.doors._audit import LARGEST, audit
from brocap_nb.doors._cli import main

KEY = secrets.token_hex(16)
OTHER = "67b6bcbb1a728ea8d563de6d169a2057"
THE_KEY, LIKE_A_KEY = f"the key ({KEY[:4]}…)", f"looks like a key ({OTHER[:4]}…)"


def places(path: Path, key: str | None = KEY) -> list[tuple[str, ...]]:
    report = audit([path], key)
    assert report.unreadable == []
    return [tuple(line.split(": ")[1:]) for line in report.findings]


def test_a_notebook_with_outputs_and_widget_state(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setenv("BROCAP_CLIENT_KEY", KEY)
    buffer = base64.b64encode(b"\x00\x01" + KEY.encode() + b"\x02").decode()
    state = {"abc": {"state": {"value": KEY}, "buffers": [{"data": buffer, "path": ["x"]}]}}
    outputs = [{"text": ["first\n", f"leak {KEY}\n"]}, {"data": {"text/html": [f"<b>{KEY}</b>"]}}]
    cell = {"metadata": {"tags": [KEY]}, "source": ["a\n", f"b {KEY}"], "outputs": outputs}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": state}}
    path = tmp_path / ".ipynb_checkpoints" / "x-checkpoint.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps({"cells": [cell], "metadata": {"widgets": widgets}}, indent=1))
    lines = path.read_text().splitlines()
    leaks = [n for n, line in enumerate(lines, 1) if KEY in line or buffer in line]
    assert len(leaks) == 6
    assert main(["audit", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert (err, KEY in out) == ("", False)
    assert out.splitlines()[:6] == [f"{path}: line {number}: {THE_KEY}" for number in leaks]


WORN = {
    **DRESSES,
    "base64": lambda k: base64.b64encode(f"user:{k}".encode()).decode(),
    "half of it": lambda k: k[:16],
}
FILES: dict[str, tuple[str, Callable[[str], bytes]]] = {  # where it is found, and the file
    "x.jsonl": ("line 2", lambda t: f'{{"a": 1}}\n{{"b": {json.dumps(t)}}}\n'.encode()),
    "x.csv.gz": ("line 2", lambda t: gzip.compress(f'a,b\n1,"{t}"\n'.encode())),
    "x.bin": ("line 1", lambda t: b"\0\xff" + t.encode() + b"\0"),
    "x.utf16": ("line 2", lambda t: f"a\n{t}".encode("utf-16")),
    "x.parquet": ("row 1", lambda t: pd.DataFrame({"a": ["", t], "b": 1}).to_parquet()),
}


def test_the_key_is_found_in_every_dress_and_file(tmp_path: Path) -> None:
    for name, (place, written) in FILES.items():
        path = tmp_path / name
        for dress in WORN.values():
            path.write_bytes(written(dress(KEY)))
            assert places(path) == [(place, THE_KEY)], name
            path.write_bytes(written(dress(secrets.token_hex(16))))
            assert places(path) == []


LIKE = (
    f'body: {{"clientKey": "{OTHER}"}}',
    f"{{'client_key': '{OTHER}'}}",
    f'"{{\\"clientKey\\": \\"{OTHER}\\"}}"',
    f"client = bn.Client('{OTHER}')",
    f"BROCAP_CLIENT_KEY={OTHER}",
    f"export KEY={OTHER.upper()}",
    f"my key is {OTHER}.",
    f"api-key: {OTHER}__nocache",
    f"key</b> <code>{OTHER}</code>",
)


def test_what_looks_like_a_key_is_found_without_one(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    for encoding in ("utf-8", "utf-16"):
        path.write_text("\n".join(LIKE), encoding)
        report = audit([path])
        found = [f"{path}: line {line}: {LIKE_A_KEY}".lower() for line in range(1, len(LIKE) + 1)]
        assert [one.lower() for one in report.findings] == found
    headers = [{"name": "x-api-key", "value": OTHER}, {"name": "etag", "value": OTHER}]
    har = {"headers": headers, "clientKey": OTHER, "id": OTHER}
    for indent, found in ((None, [1, 1]), (4, [5, 12])):
        path.write_text(json.dumps(har, indent=indent))
        assert places(path, None) == [(f"line {line}", LIKE_A_KEY) for line in sorted({*found})]


def test_what_is_no_key_is_left_alone(client: bn.Client, peer: Peer, tmp_path: Path) -> None:
    peer.say(http(b'{"errorId": 0, "taskId": 5}'))
    with bn.Sandbox() as sandbox:
        picture = sandbox.puzzles[0]
        client.create_task(bn.ComplexImageTask.from_image(picture.data, picture.question))
        shown = f"key={sandbox.key}"
    client.log.to_har(tmp_path / "log.har")
    client.log.frame().to_csv(tmp_path / "log.csv")
    (tmp_path / "x.txt").write_text(
        f"{shown}\nclientKey: {'0' * 32}\nsha256:{secrets.token_hex(32)}\n"
        f'key {secrets.token_hex(32)}\nid {OTHER}\n"clientKey": "<clientKey>"\n'
        f"monkey: {OTHER}\nwebsitePublicKey: 69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC\n"
        "key: 69A21A01-CC7B-B9C6-0F9A-E7FA06677FFC\n"
    )
    report = audit([tmp_path], KEY)
    assert report.findings == []
    assert report.files >= 5


def test_paths_that_cannot_be_read(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    clean, missing = tmp_path / "clean.txt", tmp_path / "missing"
    clean.write_text("nothing here")
    for key, paths, code, told in (
        ("", [clean], 0, "is not set"),
        ("short", [clean], 0, "only what looks like a key is searched for"),
        (KEY, [clean, missing], 2, "missing cannot be searched: No such file"),
    ):
        monkeypatch.setenv("BROCAP_CLIENT_KEY", key)
        assert main(["audit", *map(str, paths)]) == code
        said = "".join(capsys.readouterr())
        assert told in said
        assert ("is not set" in said) == (key != KEY)
    for name, content, code in (
        ("x.parquet", b"PAR1 no", 2),
        ("torn.gz", gzip.compress(b"x" * 100)[:-9], 2),
        ("leak.txt", KEY.encode(), 1),
    ):
        (tmp_path / name).write_bytes(content)
        assert main(["audit", str(tmp_path)]) == code
    assert "x.parquet cannot be searched: Parquet" in "".join(capsys.readouterr())


def test_what_is_looked_for_is_never_printed(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("BROCAP_CLIENT_KEY", KEY)
    (tmp_path / f"{KEY}.txt").write_text(KEY)
    (tmp_path / f"{KEY}.gz").write_text("no gzip")
    (tmp_path / "a\x1b[2J\n.txt").write_text(KEY[:20])
    names = {KEY: {"x": KEY}, f"key {OTHER}": OTHER}
    (tmp_path / "names.json").write_text(json.dumps(names))
    assert main(["audit", str(tmp_path), str(tmp_path / f"missing {KEY}")]) == 1
    told = "".join(capsys.readouterr())
    assert [one for one in (KEY, KEY[4:16], OTHER) if one in told] == []
    for part in (
        ".txt: its path: the key",
        "names.json: line 1: the key",
        "a\\x1b[2J\\n.txt: line 1: the key",
        "missing <clientKey> cannot be searched",
    ):
        assert part in told


def test_what_has_no_end_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "sparse.txt").open("wb") as file:
        file.truncate(10 * 2**30)
    with (tmp_path / "bomb.json.gz").open("wb") as file:
        member = gzip.compress(bytes(2**24), 1)
        file.writelines([member] * (LARGEST // 2**24 + 1))
    report = audit([tmp_path, "/dev/zero"], KEY)
    assert [Path(told.split(" ")[0]).name for told in report.unreadable] == [
        *("bomb.json.gz", "pipe", "sparse.txt", "zero")
    ]
