"""Everything at once on real servers: buyers, their cancels, and drains."""

from __future__ import annotations

import threading
from uuid import UUID

from core import ids
from ops.verify import verify
from tests.race.rivals import together
from tests.support.stage import Stage
from workers.drain import drain


class Crowd:
    """Buyers, their cancels, and drains, all at once on two shows."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.on_sale = [stage.show(rows=4, seats=5, seats_per_user=20) for _ in range(2)]
        self.held: list[UUID] = []
        self.done = threading.Event()

    def buy(self) -> None:
        for number in range(60):
            seat = f"{'ABCD'[number % 4]}{number % 5 + 1}"
            user = (self.stage.alice, self.stage.bob)[number % 2]
            id_ = self.stage.book(self.on_sale[number % 2], seat, user=user, hold=number % 3 == 0)
            if number % 3 == 0:
                self.held.append(id_)

    def buy_all(self) -> None:
        try:
            together(*[self.buy] * 3)
        finally:
            self.done.set()

    def change_minds(self) -> None:
        while not self.done.is_set():
            for id_ in list(self.held):
                for user in (self.stage.alice, self.stage.bob):
                    (self.stage.confirm if id_.int % 2 else self.stage.cancel)(id_, user)
                    self.stage.expire(ids.show_of(id_))

    def drain(self) -> None:
        while not self.done.is_set():
            for lane in range(4):
                drain(self.stage.stores, lane, self.stage.rung.append, for_s=0)


def test_a_crowd_of_buyers_and_drains_leaves_a_provable_database(stage: Stage) -> None:
    crowd = Crowd(stage)

    results = together(crowd.buy_all, crowd.change_minds, crowd.drain, crowd.drain, crowd.drain)
    while stage.drain():
        pass

    assert not [result for result in results if isinstance(result, Exception)]
    report = verify(stage.stores.settings.database_url)
    assert report.violations == []
    assert report.bookings == 180
