"""Pictures of what optimizers do: paths on contours, learning curves, effective rates. Needs the extra 'plot'."""

from .canvas import COLORS, canvas, save
from .learning import curves
from .rates import effective_rates, rates
from .trace import path_of, trace_2d

__all__ = ["COLORS", "canvas", "curves", "effective_rates", "path_of", "rates", "save", "trace_2d"]
