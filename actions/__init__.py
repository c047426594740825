"""The action server: thin actions, one module per subject. `rasa_sdk` finds every Action class below here."""
