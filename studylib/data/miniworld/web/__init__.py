"""What pages of the web register are made of: sound forms, faults, boilerplate, personal data, copies; one file a subject."""
