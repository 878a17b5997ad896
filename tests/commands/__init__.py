"""Every command, as an administrator types it."""
