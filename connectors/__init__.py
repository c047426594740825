"""The channels into Rasa and what they share: inbox, outbox, menus, takeover."""
