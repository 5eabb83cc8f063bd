"""The activation functions known here: value, derivative and curve, in float64."""
