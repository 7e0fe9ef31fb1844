"""The kit of all proofs: servers, a running system, clocks, shows and waiting, written once."""
