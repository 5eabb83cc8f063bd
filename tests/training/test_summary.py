"""What a run says at its end."""

from service.model_repository.manifest import ClassScores, Scores
from training.finish import Run
from training.summary import class_lines, recall_line, run_lines, score_line


def _scores(recalls: list[float], rows: int = 4) -> Scores:
    return Scores(
        rows=len(recalls) * rows,
        accuracy=0.5,
        log_loss=1.0,
        per_class=tuple(
            ClassScores(label=f"c{i}", precision=0.5, recall=recall, f1=0.5, rows=rows)
            for i, recall in enumerate(recalls)
        ),
    )


def test_run_tells_ranking_the_commonest_class_and_recalls_of_the_test_rows(iris: Run) -> None:
    scores = iris.manifest.scores.test

    lines = {line.split()[0]: line for line in run_lines(iris.manifest) if line.strip()}

    assert f"AUC {scores.roc_auc:.4f}, average precision" in lines["test"]
    assert "always the commonest class 0.3333, 30 rows" in lines["test"]
    recalls = [f"{row.label} {row.recall:.4f}" for row in scores.per_class]
    assert lines["recall"].split(maxsplit=1)[1] == ", ".join(recalls)


def test_of_many_classes_the_lowest_recalls_are_told() -> None:
    line = recall_line(_scores([1 - i / 20 for i in range(20)]))

    assert line.startswith("lowest of 20: c19 0.0500, c18 0.1000, ")
    assert line.count(",") == 11


def test_of_very_many_classes_evaluate_tells_fifty_with_the_lowest_recall() -> None:
    few, many = (list(class_lines(_scores([1 - i / n for i in range(n)]))) for n in (50, 1000))

    assert [line.split()[0] for line in few[1:]] == [f"c{i}" for i in range(50)]
    assert many[0] == "of 1000 classes the 50 with the lowest recall:"
    assert [line.split()[0] for line in many[2:]] == [f"c{i}" for i in range(999, 949, -1)]


def test_class_without_rows_has_no_recall_to_tell() -> None:
    found = _scores([0.25, 0.75])
    empty = found.per_class[0].model_copy(update={"rows": 0})

    line = recall_line(found.model_copy(update={"per_class": (empty, found.per_class[1])}))

    assert line == "c1 0.7500"


def test_what_was_not_measured_is_not_told() -> None:
    line = score_line(_scores([0.25, 0.75]), has_interval=False)

    assert line == "accuracy 0.5000, log-loss 1.0000, 8 rows"


def test_accuracy_comes_with_what_it_may_be_of_other_rows() -> None:
    scores = _scores([1.0]).model_copy(update={"rows": 69, "accuracy": 68 / 69})

    assert score_line(scores).startswith("accuracy 0.9855 (95 %: 0.92 to 1.00), log-loss")


def test_validation_rows_which_chose_the_model_have_no_interval(iris: Run) -> None:
    lines = {line.split()[0]: line for line in run_lines(iris.manifest) if line.strip()}

    assert "95 %" in lines["test"]
    assert "95 %" not in lines["validation"]


def test_recall_of_each_class_comes_with_its_interval_where_it_has_rows() -> None:
    found = _scores([0.5, 0.75])
    empty = found.per_class[0].model_copy(update={"rows": 0, "recall": 0.0})

    lines = list(class_lines(found.model_copy(update={"per_class": (empty, found.per_class[1])})))

    assert lines[1].split()[2:4] == ["0.0000", "-"]
    assert "0.7500  0.30 to 0.95" in lines[2]
    assert len({len(line) for line in lines}) == 1
