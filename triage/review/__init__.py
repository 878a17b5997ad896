"""The staff page: what waits for a person, what was done, and who may do what. Nothing of the service imports it."""
