"""Accounts: sign-up, log-in, sessions, passwords, and the limits on attempts."""
