"""The end of every run: calibrate, export, check, score the test rows, publish."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from service.inference.onnx_model import OnnxModel
from service.inference.predictor import open_version
from service.model_repository.layout import ARTIFACT, MANIFEST, PublishedVersion
from service.model_repository.manifest import (
    History,
    Manifest,
    Network,
    SplitScores,
    parse_manifest,
)
from service.model_repository.provenance import (
    Calibration,
    Diagnosis,
    LearningCurvePoint,
    Selection,
)
from training.calibrate import averaged, calibrate, cool, tested_calibration
from training.config import RunConfig
from training.describe import describe_table, environment, signature
from training.dropout_masks import draw_masks
from training.evaluate import graph_probabilities
from training.export import check_parity, describe_artifact, export, make_golden
from training.metrics import score
from training.network import Architecture, Perceptron, hidden_values, parameter_count
from training.publish import publish
from training.run_folder import TOLD_ELSEWHERE, RunFolder
from training.start import Start
from training.tables.table import Indices
from training.trained import TrainedModel
from training.worth import UncertaintyEvidence, uncertainty_evidence, worth_of

# Test rows that a report draws, or as many as have so many probabilities, and of these the ones
# whose hidden values it shows.
_DRAWN_ROWS, _DRAWN_PROBABILITIES, _HIDDEN_ROWS = 10_000, 10_000_000, 2_000


@dataclass(frozen=True)
class Fitted:
    """What training came to, before anything is made of it.

    `logits`, (members, n, n_classes), are of rows `validated` of the table, (n,), by networks that
    did not train on them and are otherwise made as the published ones; if `kept_back`, by these.
    """

    config: RunConfig
    shape: Architecture
    dtype: torch.dtype
    networks: tuple[Perceptron, ...]
    logits: torch.Tensor
    validated: Indices
    history: History
    diagnosis: Diagnosis
    kept_back: bool = False
    selection: Selection | None = None
    learning_curve: Sequence[LearningCurvePoint] = ()


@dataclass(frozen=True)
class Run:
    """What a run published, where, the model as PyTorch has it, and the seconds of each stage."""

    folder: Path
    manifest: Manifest
    model: TrainedModel
    seconds: Mapping[str, float]


def finish(begun: Start, fitted: Fitted, folder: RunFolder) -> Run:
    """Make a version of fitted networks and publish it. Raises ExportRefused and PublishFailed."""
    config, data = fitted.config, begun.data
    table, test = data.table, data.split.test
    assert config.name is not None
    true = table.class_index[fitted.validated]
    model, calibration = calibrated(begun, fitted)
    begun.clock.lap("calibration")
    artifact = export(model)
    opened = OnnxModel(artifact, model.signature)
    parity = check_parity(model, opened, table.features[test])
    probabilities = averaged(fitted.logits.numpy(), calibration.temperature)
    true_test = table.class_index[test]
    answers = graph_probabilities(opened, table.features[test], len(table.labels))
    tested = tested_calibration(calibration, answers, true_test)
    evidence = uncertainty_evidence(model, table.features[test], table.class_index[test])
    golden = make_golden(model, seed=config.seed)
    begun.clock.lap("export and checks")
    threads = torch.get_num_threads()
    settings = config.model_copy(update={"threads": threads})
    manifest = Manifest(
        name=config.name,
        created=datetime.now(UTC).replace(microsecond=0),
        labels=table.labels,
        signature=model.signature,
        artifact=describe_artifact(artifact),
        network=_network(fitted),
        settings=settings.model_dump(mode="json", exclude=set(TOLD_ELSEWHERE)),
        table=describe_table(data, begun.notes, begun.twins),
        scores=SplitScores(
            validation=score(probabilities, true, table.labels),
            test=score(answers, true_test, table.labels),
        ),
        history=fitted.history,
        selection=fitted.selection,
        diagnosis=fitted.diagnosis,
        calibration=calibration.model_copy(update={"test": tested}),
        uncertainty=None if evidence is None else worth_of(evidence, config.uncertainty),
        learning_curve=tuple(fitted.learning_curve),
        parity=parity,
        golden=golden,
        environment=environment(threads, fitted.dtype),
        seconds={stage: round(taken, 3) for stage, taken in begun.clock.seconds.items()},
    )
    manifest_json = (manifest.model_dump_json(indent=1) + "\n").encode()
    open_version(PublishedVersion(0, parse_manifest(manifest_json), manifest_json, artifact))
    begun.clock.lap("export and checks")
    files = {ARTIFACT: artifact, MANIFEST: manifest_json}
    if config.report != "none":
        html = config.report == "html"
        files |= _report(begun, manifest, model, uncertainty=evidence, html=html)
        begun.clock.lap("report")
    folder.about_to_publish(manifest_json)
    published = publish(config.models, config.name, files)
    begun.clock.lap("publishing")
    return Run(published, manifest, model, dict(begun.clock.seconds))


def _report(
    begun: Start,
    manifest: Manifest,
    model: TrainedModel,
    *,
    uncertainty: UncertaintyEvidence | None,
    html: bool,
) -> dict[str, bytes]:
    # Drawing is slow to import, and a run without a report does not need it.
    from training.report.evidence import Evidence
    from training.report.files import report_files

    table, test = begun.data.table, begun.data.split.test
    most = max(1, min(_DRAWN_ROWS, _DRAWN_PROBABILITIES // len(table.labels)))
    rows = test[:: -(-len(test) // most)]
    first = model.networks[0]
    inputs = model.preprocessing.encode(table.features[rows[:_HIDDEN_ROWS]])
    evidence = Evidence(
        manifest=manifest,
        probabilities=model.probabilities(table.features[rows]),
        class_index=table.class_index[rows],
        weights=tuple(linear.weight.detach().numpy() for linear in first.linears),
        hidden=tuple(hidden_values(first, inputs)),
        uncertainty=uncertainty,
    )
    return report_files(evidence, html=html)


def calibrated(begun: Start, fitted: Fitted) -> tuple[TrainedModel, Calibration]:
    """The model with its temperature folded in, and what that was measured to do."""
    calibration = calibrate(fitted.logits.numpy(), begun.data.table.class_index[fitted.validated])
    cool(fitted.networks, calibration.temperature)
    return _model(begun, fitted), calibration


def _model(begun: Start, fitted: Fitted) -> TrainedModel:
    config, table = fitted.config, begun.data.table
    masks = (
        draw_masks(fitted.networks, config.uncertainty, config.seed) if config.uncertainty else None
    )
    return TrainedModel(
        networks=fitted.networks,
        preprocessing=begun.learned.preprocessing,
        labels=table.labels,
        signature=signature(
            table,
            begun.learned,
            len(config.hidden),
            has_masks=bool(config.uncertainty),
            accept_missing=config.accept_missing,
        ),
        masks=masks,
    )


def _network(fitted: Fitted) -> Network:
    shape = fitted.shape
    return Network(
        widths=shape.widths,
        activation=shape.activation,
        dropout=shape.dropout,
        input_dropout=shape.input_dropout,
        batch_normalisation=shape.batch_normalisation,
        parameter_count=sum(map(parameter_count, fitted.networks)),
        members=len(fitted.networks),
        masks=fitted.config.uncertainty,
    )
