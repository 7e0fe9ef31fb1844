"""Bookings: accepting operations, reading statuses, long polls. The one service that both transports call."""
