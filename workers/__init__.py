"""The only code that changes bookings and seats: actors, the drain, the sweeper, the scheduler."""
