"""The worker of the contender celery: `celery -A proof.bench.contenders.celery_worker:queue worker`."""

from __future__ import annotations

from proof.bench.contenders import celery_app
from proof.bench.contenders.celery_app import queue

celery_app.open_stores()

__all__ = ["queue"]
