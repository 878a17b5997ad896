"""The first settings of a service: questions, answers checked at once, two files and the secrets beside them."""
