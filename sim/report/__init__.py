"""What a person sees of a run: timelines, stories, tables, reports and traces."""
