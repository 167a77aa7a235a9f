"""Summaries of a log's frame, written over Narwhals: pandas is only the default engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from brocap_nb import render
from brocap_nb.codes import explain

__all__ = ["ErrorTable", "errors"]


class ErrorTable(pd.DataFrame):
    """A DataFrame of error codes that shows its sentences in full."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # a part of it is an ordinary frame

    def _repr_html_(self) -> str:
        if not len(self):
            return render.card("Error codes", render.text("No answer had an error code."))
        headers = ["code", "count", "share", "last seen", "meaning", "what to do", "again?"]
        rows = [
            [
                f"<b>{render.text(str(row.error_code))}</b>",
                str(row.count_),
                f"{row.share:.0%}",
                f"{row.last_seen:%H:%M:%S}",
                render.text(str(row.meaning)),
                render.text(str(row.remedy)),
                "yes, later" if row.retryable else "no",
            ]
            for row in self.rename(columns={"count": "count_"}).itertuples(index=False)
        ]
        return render.table(headers, rows, caption="Error codes that came, times in UTC")

    def __str__(self) -> str:
        if not len(self):
            return "No answer had an error code."
        return "\n".join(
            f"{row.error_code}  x{row.count_} ({row.share:.0%} of the exchanges), last seen "
            f"{row.last_seen:%Y-%m-%d %H:%M:%S} UTC\n"
            f"    {row.meaning}\n    {row.remedy}"
            f"{' It may be tried again later.' if row.retryable else ''}"
            for row in self.rename(columns={"count": "count_"}).itertuples(index=False)
        )

    __repr__ = __str__


def errors(frame: Any) -> nw.DataFrame[Any]:
    """Return one row per error code: count, share, first and last seen, and its explanation.

    Args:
        frame: a log's frame, or any eager frame with its columns.

    Returns:
        Columns `error_code, count, share, first_seen, last_seen, meaning, remedy, retryable`,
        most frequent first. `share` is of all exchanges in the frame, 0 to 1.
    """
    native = nw.from_native(frame, eager_only=True)
    total = max(len(native), 1)
    table = (
        native.filter(nw.col("outcome").cast(nw.String).is_in(["api_error", "callback"]))
        .with_columns(nw.col("error_code").cast(nw.String))
        .filter(~nw.col("error_code").is_null())
        .group_by("error_code")
        .agg(
            nw.len().alias("count"),
            nw.col("started_at").min().alias("first_seen"),
            nw.col("started_at").max().alias("last_seen"),
        )
        .sort(["count", "error_code"], descending=[True, False])
    )
    entries = [explain(code) for code in table["error_code"].to_list()]

    def column(name: str, values: list[Any], dtype: Any) -> nw.Series[Any]:
        return nw.new_series(name, values, dtype, backend=native.implementation)

    counts = table["count"].to_list()
    explained: nw.DataFrame[Any] = table.with_columns(
        column("share", [count / total for count in counts], nw.Float64),
        column("meaning", [entry.meaning for entry in entries], nw.String),
        column("remedy", [entry.remedy for entry in entries], nw.String),
        column("retryable", [entry.retryable for entry in entries], nw.Boolean),
    ).select(
        "error_code", "count", "share", "first_seen", "last_seen", "meaning", "remedy", "retryable"
    )
    return explained
