"""Widgets: everything that is seen and touched in a notebook. Nothing here talks to the wire."""

from brocap_nb.widgets.body_view import BodyView, PythonView
from brocap_nb.widgets.console import Console
from brocap_nb.widgets.error_explorer import ErrorExplorer
from brocap_nb.widgets.exchange_view import ExchangeView
from brocap_nb.widgets.forms import TaskForm
from brocap_nb.widgets.image_picker import ImagePicker
from brocap_nb.widgets.log_board import LogBoard
from brocap_nb.widgets.log_table import LogTable
from brocap_nb.widgets.picture_view import PictureView
from brocap_nb.widgets.secret_field import SecretField
from brocap_nb.widgets.submission_list import SubmissionList
from brocap_nb.widgets.target import TargetChooser
from brocap_nb.widgets.task_lens import TaskLens

__all__ = [
    "BodyView",
    "Console",
    "ErrorExplorer",
    "ExchangeView",
    "ImagePicker",
    "LogBoard",
    "LogTable",
    "PictureView",
    "PythonView",
    "SecretField",
    "SubmissionList",
    "TargetChooser",
    "TaskForm",
    "TaskLens",
]
