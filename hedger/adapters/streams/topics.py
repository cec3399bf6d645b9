"""The topics, their keys, and what they carry."""

BLOCKS = "symmio.blocks"  # chain id      whole blocks of decoded logs, from every collector
FACTS = "symmio.facts"  # PartyA address  sequenced chain facts, reorganisations included
EXECUTIONS = "venue.executions"  # PartyA address  execution reports and fills
LOG = "hedger.log"  # PartyA address      every recorded event, with its position
PRICES = "prices"  # symbol               best bid and ask, mark price, funding rate
