"""What several ideas share: parts of their schemas and of their plans."""
