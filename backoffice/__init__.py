"""The provider's business behind Theo: records, rules and the systems that keep them.

Nothing here knows Rasa or WhatsApp. An action reads its slots, calls one function of this package
and turns the outcome it gets back into words; the words live in `domain.yml`.
"""
