"""Rehearsals: `onsale rehearse`, `record` and `replay`. docs/rehearsal.md is their manual.

    command.py     the command `onsale rehearse`     replay_command.py  the command `onsale replay`
    record_command.py  the command `onsale record`   rehearsal.py       one rehearsal: copy, crowd, verify, close
    recording.py   the file of a recorded sale       recorder.py        makes one from the journal
    visitor.py     replays one recorded booking      crowd.py           replays all of them
    options.py     options of two commands           screen.py          the report as a table
    copies.py      copies a show, closes the copy    workers.py         sets the number of workers, and restores it
    report.py      what is reported, and the verdict comparison.py      outcomes recorded and replayed
    interrupts.py  Ctrl-C and SIGTERM meanwhile

The synthetic crowd and the HTTP client are those of ops/rush.
"""
