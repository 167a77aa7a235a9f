"""Ways in.

_magics.py        `%brocap` and `%%brocap`
_cli.py           the command `brocap-nb`
_app.py           the Console as a page for visitors
_audit.py         searches files for a key
"""

__all__: list[str] = []
