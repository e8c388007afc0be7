"""From the settings of a study to the recipe of the model that is to be built: what it is, what it holds, what it costs."""
