"""A body that a version's `:predict` takes as it is."""

from service.model_repository.manifest import Manifest
from service.model_repository.signature import Cell, Feature

# A row of more features is read more easily as a list.
_NAMED_FEATURES = 32


def example_body(manifest: Manifest) -> dict[str, object]:
    """One made-up row of the version: by feature name, or as a list where the features are many."""
    row = example_row(manifest)
    names = manifest.signature.names
    if len(names) > _NAMED_FEATURES:
        return {"instances": [list(row)]}
    return {"instances": [dict(zip(names, row, strict=True))]}


def example_row(manifest: Manifest) -> tuple[Cell, ...]:
    """Of the golden rows the first with the fewest gaps and categories that nobody has seen."""
    features = manifest.signature.features
    return min(
        manifest.golden.rows,
        key=lambda row: sum(map(_is_unusual, features, row)),
    )


def _is_unusual(feature: Feature, cell: Cell) -> bool:
    known = feature.categories
    return cell is None or (known is not None and cell not in known)
