"""The exchange log: a durable, append-only record of every HTTP attempt."""

from brocap_nb.log.exchange_log import ExchangeLog
from brocap_nb.log.journal import LogWarning

__all__ = ["ExchangeLog", "LogWarning"]
