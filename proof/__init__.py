"""The proofs: what tries to break the product, and what measures it. Nothing here is part of the wheel.

kit/        what they share: servers, a running system, HTTP clients, shows, clocks, waiting, output
model/      every state of the protocol, explored        simulator/  the real code through random schedules
crash/      every crash point with every fault           chaos/      the whole system under load and faults
fuzz/       raw sockets                                  openapi/    the OpenAPI document's operations
bench/      Onsale beside rival designs
"""
