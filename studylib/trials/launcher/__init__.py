"""Where trials run: one file a launcher; each offers `run` and `show` (see ``_launcher.py``)."""
