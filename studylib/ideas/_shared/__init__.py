"""What several ideas share: parts of their schemas, and sentences of their reports in both languages.

An idea names its subject (``Text(en="shape", ja="形状")``) and adds what only it has to say.
"""
