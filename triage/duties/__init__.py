"""Duties towards the persons whose mail is on record: a copy of their data, and erasing it (GDPR art. 15, 17, 20)."""
