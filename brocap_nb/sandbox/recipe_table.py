"""The recipes as a frame that shows itself in full."""

from __future__ import annotations

import html
from typing import Any

import pandas as pd

from brocap_nb import render

__all__ = ["RecipeTable"]


class RecipeTable(pd.DataFrame):
    """How to provoke each error code. A part of it is an ordinary DataFrame."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        rows = [
            (f"<code>{html.escape(row['code'])}</code>", html.escape(row["how"]), _steps(row))
            for row in self.to_dict("records")
        ]
        caption = "How to provoke each error code; the columns key, task and steps are to be sent"
        return render.table(("code", "how", "what is sent"), rows, caption=caption)

    def __str__(self) -> str:
        return "\n".join(f"{row['code']}\n    {row['how']}" for row in self.to_dict("records"))

    __repr__ = __str__


def _steps(row: dict[Any, Any]) -> str:
    """The methods in order, with the waits between them."""
    told = []
    for step in row["steps"]:
        wait = f"after {step['wait']:.3g} s " if step["wait"] else ""
        told.append(f"{wait}<code>{html.escape(step['method'])}</code>")
    return ", ".join(told)
