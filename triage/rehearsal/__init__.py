"""A rehearsal: real mail through the real stages, on a record of its own, with a transport that sends nothing."""
