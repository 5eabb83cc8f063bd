"""The table of activation functions, in the order in which they are listed."""

from service.activations.function import ActivationFunction
from service.activations.rectifiers import RECTIFIERS
from service.activations.squashers import SQUASHERS
from service.errors import FunctionNotFound

TABLE = {function.name: function for function in (*RECTIFIERS, *SQUASHERS)}


def find(name: str) -> ActivationFunction:
    """The function of that name. Raises FunctionNotFound, naming those that there are."""
    try:
        return TABLE[name]
    except KeyError:
        raise FunctionNotFound(
            f'no activation function is called "{name[:64]}"; known: {", ".join(TABLE)}'
        ) from None
