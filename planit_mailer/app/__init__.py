"""The application: the daemon, its jobs, and the wiring that opens the adapters."""
