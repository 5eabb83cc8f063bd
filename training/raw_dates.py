"""The ONNX nodes from days to what the calendar says of them: the steps of date_parts.py."""

import math

import numpy as np
from onnx import TensorProto

from service.inference.dates import FIRST_DAY, LAST_DAY
from training import date_parts
from training.date_parts import Calendar
from training.operators import GraphBuilder


def add_calendar(graph: GraphBuilder, dates: Calendar, filled: str, *, gaps: bool) -> str:
    """The parts of dates among the numbers `filled`, [N, k], as Calendar.encode has them.

    With `gaps` the tensor `missing` says of which numbers there are none.
    """
    graph.constant("date_places", dates.places, np.int64)
    graph.constant("first_day", FIRST_DAY)
    graph.constant("last_day", LAST_DAY)
    graph.node("Gather", [filled, "date_places"], "dates", axis=1)
    graph.node("Clip", ["dates", "first_day", "last_day"], "days")
    graph.node("Floor", ["days"], "whole_days")
    _whole_days(graph)
    if gaps or dates.has_times:
        graph.constant("part_axis", [2], np.int64)
    parts = ["week_days", "months_and_years"]
    kept, n_parts = dates.kept, date_parts.N_PARTS
    if dates.has_times:
        parts += _times(graph)
    else:
        n_parts -= len(date_parts.TIME)
        kept = kept // date_parts.N_PARTS * n_parts + kept % date_parts.N_PARTS
    found = graph.node("Concat", parts, "parts_of_dates", axis=2)
    if gaps:
        graph.node("Gather", ["missing", "date_places"], "missing_dates", axis=1)
        graph.node("Unsqueeze", ["missing_dates", "part_axis"], "parts_are_missing")
        graph.constant("nothing", 0.0)
        found = graph.node("Where", ["parts_are_missing", "nothing", found], "parts_or_nothing")
    graph.constant("kept_parts", kept, np.int64)
    graph.constant("parts_shape", [0, len(dates.places) * n_parts], np.int64)
    graph.node("Reshape", [found, "parts_shape"], "all_parts")
    return graph.node("Gather", ["all_parts", "kept_parts"], "calendar", axis=1)


def _whole_days(graph: GraphBuilder) -> None:
    """From `whole_days` to `week_days` and `months_and_years`."""
    for name, number in {
        "before_1970": date_parts.DAYS_BEFORE_1970,
        "week_length": 7,
        "days_of_400_years": date_parts.DAYS_OF_400_YEARS,
        "days_of_a_century": date_parts.DAYS_OF_A_CENTURY,
        "last_century": 3,
        "days_of_4_years": date_parts.DAYS_OF_4_YEARS,
    }.items():
        graph.constant(name, number, np.int64)
    graph.constant("week_table", date_parts.week_table())
    graph.constant("month_and_year_table", date_parts.month_and_year_table())
    graph.node("Cast", ["whole_days"], "day_numbers", to=TensorProto.INT64)
    graph.node("Add", ["day_numbers", "before_1970"], "days_of_era")
    graph.node("Mod", ["days_of_era", "week_length"], "week_day_numbers")
    graph.node("Gather", ["week_table", "week_day_numbers"], "week_days")
    graph.node("Mod", ["days_of_era", "days_of_400_years"], "in_400_years")
    graph.node("Div", ["in_400_years", "days_of_a_century"], "centuries")
    graph.node("Min", ["centuries", "last_century"], "century")
    graph.node("Add", ["in_400_years", "century"], "with_leap_days")
    graph.node("Mod", ["with_leap_days", "days_of_4_years"], "in_4_years")
    graph.node("Gather", ["month_and_year_table", "in_4_years"], "months_and_years")


def _times(graph: GraphBuilder) -> list[str]:
    """Sine and cosine of the time of day, from `days` and `whole_days`."""
    graph.constant("turn", 2 * math.pi)
    graph.node("Sub", ["days", "whole_days"], "part_of_day")
    graph.node("Mul", ["part_of_day", "turn"], "time_of_day")
    return [
        graph.node(
            "Unsqueeze",
            [graph.node(operator, ["time_of_day"], f"time_{operator}"), "part_axis"],
            f"time_part_{operator}",
        )
        for operator in ("Sin", "Cos")
    ]
