"""From the measures of many runs to a conclusion: description, ANOVA, pairwise tests, power, tables.

One function an idea, data frames in and out; `analysis.analyse` puts them together as `kser stats` shows
them. The frames have one row an evaluated run ("long"): `model_name`, `dataset_name`, `seed`, a column for
each measure and one for each factor.
"""
