"""Statistics of end-of-line data: nested components, correlations, distributions, outliers."""
