"""What pages need to show the numbers; nothing outside it imports it.

The extra `hw4lib[site]` brings what it depends on.
"""
