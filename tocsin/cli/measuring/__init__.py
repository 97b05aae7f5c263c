"""What `tocsin stats` is made of: months, definitions, what is too few to be shown, baselines, objectives, a page."""
