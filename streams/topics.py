"""Who consumes what: the groups of each topic."""

from hedger.adapters.streams.topics import EXECUTIONS, FACTS, LOG

POSITION_MANAGER = "position_manager"
ORDER_MAKER = "order_maker"
SENDER = "sender"

GROUPS: dict[str, tuple[str, ...]] = {
    FACTS: (POSITION_MANAGER,),
    EXECUTIONS: (POSITION_MANAGER,),
    LOG: (ORDER_MAKER, SENDER),
}
