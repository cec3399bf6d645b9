"""A run of the local world in which everything is drawn from one seed: trades, troubles, deaths, liquidations."""
