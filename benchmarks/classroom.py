"""A class at once: 30 students, each a process, one sandbox, one log folder, and a teacher.

python benchmarks/classroom.py [--students 30] [--seconds 120] [--own-folders]

The service is `brocap-nb sandbox`, a process of its own on loopback. Each student submits pictures
whose answers are known, checks every answer, and now and then makes a mistake that the service
answers with an error code. All write to one folder, or each to one of its own. The teacher's log
follows them (`subscribe(..., others=True)`); what it was told, what the folder holds and what the
students say they saw must be the same. All traffic is on loopback.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import brocap_nb as bn
from brocap_nb.log._folders import INTERVAL
from brocap_nb.sandbox._puzzles import Library

PAUSE = 1.0  # seconds for which a student thinks, on average
MISTAKES = 0.3  # of what a student does
SANDBOX = ("sandbox", "--port", "0", "--balance", "1e6")


@dataclass
class Seen:
    """What one student saw."""

    session: str
    attempts: int = 0
    answered: int = 0
    tasks: list[int] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    """The error code of each exchange that had one."""
    wrong: list[str] = field(default_factory=list)


@dataclass
class Heard:
    """What the teacher was told."""

    ended: Counter[str] = field(default_factory=Counter)
    codes: dict[str, str] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    """Seconds from the end of each exchange that had a code."""

    def __call__(self, exchange: bn.Exchange) -> None:
        if exchange.outcome == "no_response":
            return
        exchange_id = exchange.exchange_id.rpartition("/")[2]  # as the student calls it
        self.ended[exchange_id] += 1
        if exchange.error_code is not None:
            self.codes[exchange_id] = exchange.error_code
            ended = exchange.started_at.timestamp() + (exchange.elapsed_ms or 0) / 1000
            self.delays.append(time.time() - ended)


def student(
    number: int, url: str, key: str, folder: Path, seconds: float, start: Any, results: Any
) -> None:
    """Wait for the others, work for some seconds, and put what was seen into `results`."""
    chance, puzzles = random.Random(number), Library(0, url).puzzles
    client = bn.Client(key, base_url=url, log=bn.ExchangeLog(folder), timeout=60)
    seen = Seen(client.log.session)
    start.wait()
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end or turn < 2:  # each does both, however slow the machine is
        turn += 1
        puzzle = chance.choice(puzzles)
        picture = bn.ComplexImageTask.from_image(puzzle.data, question=puzzle.question)
        task, code = picture, None
        if turn == 2 or (turn > 2 and chance.random() < MISTAKES):
            task, code = chance.choice(
                [
                    (bn.RawTask({"type": "NoSuchTask"}), "ERROR_TASK_NOT_SUPPORTED"),
                    (
                        bn.RawTask({**picture.to_wire(), "imagesBase64": ["AAAA"]}),
                        "ERROR_ZERO_CAPTCHA_FILESIZE",
                    ),
                    (
                        bn.ComplexImageTask.from_image(puzzle.data, question="Another question"),
                        "ERROR_CAPTCHA_UNSOLVABLE",
                    ),
                ]
            )
        came = None
        try:
            run = client.submit(task)
            answer = run.result()
            seen.tasks.append(run.task_id or 0)
            seen.answered += 1
            if code is None and answer.answer != puzzle.answer:
                seen.wrong.append(f"{seen.session}: task {run.task_id} has another's answer")
        except bn.ApiError as error:
            came = seen.codes[error.exchange.exchange_id] = error.code
        if came != code:
            seen.wrong.append(f"{seen.session}: expected {code}, came {came}")
        time.sleep(chance.random() * 2 * PAUSE)
    seen.attempts = len(client.log.frame(bodies=False, session=seen.session))
    client.close()
    results.put(seen)


@dataclass
class Lesson:
    """What is left of a lesson."""

    seen: list[Seen]
    heard: Heard
    log: bn.ExchangeLog
    seconds: float
    teacher_cpu: float
    """Seconds of the processor that the teacher's process took meanwhile."""


def lesson(folder: Path, students: int, seconds: float, *, own_folders: bool = False) -> Lesson:
    """Hold a lesson and return what everybody saw."""
    context = multiprocessing.get_context("spawn")
    start, results, heard = context.Barrier(students + 1), context.Queue(), Heard()
    log = bn.ExchangeLog(folder / "*" if own_folders else folder)
    service, url, key = _sandbox()
    try:
        running = [
            context.Process(
                target=student,
                args=(
                    *(number, url, key, folder / f"student{number:02}" if own_folders else folder),
                    *(seconds, start, results),
                ),
            )
            for number in range(students)
        ]
        for process in running:
            process.start()
        stop = log.subscribe(heard, others=True)
        start.wait(timeout=600)
        began, cpu = time.monotonic(), time.process_time()
        seen = [results.get(timeout=seconds + 600) for _ in running]
        took, cpu = time.monotonic() - began, time.process_time() - cpu
        for process in running:
            process.join()
        _wait_until(lambda: heard.ended.total() >= sum(one.attempts for one in seen))
        stop()
    finally:
        service.terminate()
        service.wait()
    return Lesson(seen, heard, log, took, cpu)


def check(held: Lesson, students: int) -> list[str]:
    """Return what was lost, mixed up or told twice, as sentences."""
    wrong = [sentence for one in held.seen for sentence in one.wrong]
    if len(held.seen) != students:
        wrong.append("A student is missing.")
    tasks = [task for one in held.seen for task in one.tasks]
    if len(tasks) != len(set(tasks)):
        wrong.append("A task was given to two students.")
    frame = held.log.frame()
    ids = frame["exchange_id"].str.rpartition("/")[2]
    if len(frame) != sum(one.attempts for one in held.seen) or not ids.is_unique:
        wrong.append("The folder does not hold each exchange once.")
    if (frame["outcome"] == "no_response").any() or frame["request"].isna().any():
        wrong.append("An exchange in the folder is not complete.")
    said = {place: code for one in held.seen for place, code in one.codes.items()}
    coded = frame["error_code"].notna()
    if dict(zip(ids[coded], frame["error_code"][coded].astype(str), strict=True)) != said:
        wrong.append("The folder's error codes are not those that the students saw.")
    if held.heard.codes != said:
        wrong.append("The teacher was not told every error code.")
    if held.heard.ended != Counter(ids):
        wrong.append("The teacher was not told every exchange once.")
    return wrong


def _sandbox() -> tuple[subprocess.Popen[str], str, str]:
    """`brocap-nb sandbox` as a process of its own, with its address and key."""
    command = [sys.executable, "-m", "brocap_nb.doors._cli", *SANDBOX]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert service.stdout is not None
    found = []
    for line in service.stdout:
        found.append(line.split())
        if line.startswith("Client key"):
            break
    if len(found) < 2:
        raise RuntimeError("The sandbox did not start.")
    # it says a line for each request: somebody must take them
    threading.Thread(target=service.stdout.read, daemon=True).start()
    return service, found[0][2], found[1][2]


def _wait_until(reached: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--own-folders", action="store_true", help="one log folder for each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        held = lesson(
            Path(folder), options.students, options.seconds, own_folders=options.own_folders
        )
        wrong = check(held, options.students)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.jsonl"))
        table = held.log.errors()
    exchanges = sum(one.attempts for one in held.seen)
    print(
        f"{len(held.seen)} students, {held.seconds:.0f} s: {exchanges:,} exchanges, "
        f"{sum(one.answered for one in held.seen):,} tasks answered right, "
        f"{len(held.heard.codes):,} error codes, {size / 1e6:.1f} MB of lines"
    )
    print("\n".join(wrong) or "Nothing lost, nothing mixed up, nothing told twice.")
    delays = sorted(held.heard.delays)
    print(
        f"Error codes reached the teacher after {statistics.median(delays):.2f} s (median), "
        f"{delays[-len(delays) // 20 - 1]:.2f} s (95%), {delays[-1]:.2f} s (longest); "
        f"a look every {INTERVAL:g} s"
    )
    print(
        f"The teacher's process took {held.teacher_cpu:.2f} s of the processor: "
        f"{held.teacher_cpu / held.seconds:.1%}"
    )
    print(table[["error_code", "count", "tasks"]].to_string(index=False))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
