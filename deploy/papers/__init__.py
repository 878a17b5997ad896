"""Documents that are made and not written: reference pages, licences, bill of materials, pictures.

``python -m deploy.papers`` makes them; nothing in service imports this. Tests hold each committed file to what is made.
"""
