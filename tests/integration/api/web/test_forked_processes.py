"""The api's processes are forked from one that has imported everything: what must differ between them does."""

from __future__ import annotations

import subprocess
import sys

#: Prints, in a process and in two forks of it, a request id without its number, and an epoch without its time.
FORKS = """
import os
from uuid import uuid4
from api.web.hooks import request_id
from core.operations import Cancel
from db.kv import admission

def show():
    cancel = Cancel(booking_id=uuid4(), show_id=1, user_id=uuid4())
    call = admission.command(cancel, lanes=1, cap=1, lease_ms=1)
    [epoch] = [each for each in call if str(each).startswith(admission._process)]
    print(request_id("")[:10], epoch[:8], flush=True)

show()
for _ in range(2):
    if os.fork() == 0:
        show()
        os._exit(0)
    assert os.wait()[1] == 0
show()
"""


def test_forks_generate_other_request_ids_and_epochs() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)

    first, *forks, again = [tuple(line.split()) for line in done.stdout.splitlines()]
    assert again == first
    assert len(forks) == 2
    requests, epochs = zip(first, *forks, strict=True)
    assert len(set(requests)) == len(set(epochs)) == 3
