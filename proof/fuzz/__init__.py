"""A fuzzer of the API on raw sockets: requests that no library would send, from a seed.

cases.py      the cases: good requests, spoilt in many ways            wire.py   sends bytes, reads the answer
command.py    `python -m proof.fuzz`, `make fuzz`
"""
