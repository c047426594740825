"""The forms: what each service has to know before it can act."""
