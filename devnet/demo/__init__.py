"""Trades of every kind in a local world, played by a script, and the verdict over what the hedgers made of them."""
