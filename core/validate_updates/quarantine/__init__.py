"""Records that were kept out, after their run: looked at, exported, mended, replayed, closed.

``reading`` finds entries, ``keys`` reads a record's key out of one, ``closing`` closes them, ``export`` writes them to
a file of records, ``replay`` makes an update of them. ``docs/quarantine.md`` tells the same for people.
"""
