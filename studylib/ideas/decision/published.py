"""Published findings held against idea 9."""
