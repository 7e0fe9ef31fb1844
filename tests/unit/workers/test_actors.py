"""The queues that Dramatiq declares for the actors."""

from __future__ import annotations

from dramatiq import Worker

from workers import actors


def test_a_worker_polls_one_queue_and_none_for_delayed_messages():
    worker = Worker(actors.broker)  # not started: nothing connects

    assert set(worker.broker.get_declared_queues()) == {actors.QUEUE}
    assert worker.broker.get_declared_delay_queues() == set()
