"""How requests arrive: the listening socket, RSGI, the event loop, and the bridge to Flask in threads."""
