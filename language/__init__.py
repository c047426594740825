"""How Theo reads and chooses words: Rasa components for Brazilian Portuguese as typed on WhatsApp."""
