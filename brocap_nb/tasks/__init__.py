"""What is asked for: task objects, and the pictures in them.

_types.py       task classes and their registry
_pictures.py    load, measure and check pictures; mark an answer
_download.py    load over http(s), bounded, from allowed addresses only
_code.py        the Python code that builds a task
"""

from brocap_nb.tasks import _pictures as pictures

__all__ = ["pictures"]
