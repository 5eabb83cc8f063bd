"""The table of activation functions, in the order in which they are listed."""

from service.activations.function import ActivationFunction
from service.activations.rectifiers import RECTIFIERS
from service.activations.squashers import SQUASHERS
from service.errors import FunctionNotFound
from service.nearest import there_are

TABLE = {function.name: function for function in (*RECTIFIERS, *SQUASHERS)}


def find(name: str) -> ActivationFunction:
    """The function of that name. Raises FunctionNotFound, naming those that there are."""
    try:
        return TABLE[name]
    except KeyError:
        raise FunctionNotFound(
            f"there is no activation function '{name[:64]}'{there_are(name, TABLE)}"
        ) from None
