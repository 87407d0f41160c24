"""From fitted end-of-line data to a scenario, its check, report and words; `study/fit.py` calls these."""
