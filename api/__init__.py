"""HTTP and the booking service: a folder is a room that imports only rooms below it; the modules here join them."""
