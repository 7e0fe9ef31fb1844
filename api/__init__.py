"""HTTP and the booking service. Each folder is a room and imports only rooms below it; the modules here join them.
From below: shapes; web; access, server; bookings; accounts, catalogue (tests/support/rules.py ROOMS).
"""
