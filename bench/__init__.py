"""Measurements: load, latency and understanding, beside stock Rasa."""
