"""The key as a server may repeat it."""

from __future__ import annotations

import html
import json
import urllib.parse
from collections.abc import Callable

DRESSES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON, slashes escaped": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "in JSON, all escaped": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "in a URL": lambda key: urllib.parse.quote(key, safe=""),
    "in a URL, all escaped": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "in HTML": html.escape,
    "as decimal entities": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "as hexadecimal entities": lambda key: "".join(f"&#x{ord(c):X};" for c in key),
    "in upper case": str.upper,
    "as hexadecimal digits": lambda key: key.encode().hex(),
    "as upper hexadecimal digits": lambda key: key.encode().hex().upper(),
}
