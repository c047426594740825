"""A Z-API on your own machine: the gateway's HTTP interface, its webhooks, and a phone on a web page.

Nothing here knows Rasa, the connector or the back office: everything is reached over HTTP.
Start it with ``python -m simulator``; ``app.py`` lists the addresses.
"""
