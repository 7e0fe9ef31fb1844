"""Raw-socket fuzz of the API: requests that no library would send, from a seed.

cases.py      the cases: good requests, spoilt in a hundred ways       wire.py   sending bytes, and the answer
command.py    `python -m proof.fuzz`, `make fuzz`
"""
