"""From predictions to measures, figures and summaries: arrays and tables in, arrays and tables out."""
