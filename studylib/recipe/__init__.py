"""From the settings of a study to the recipe of the model that is to be built: what it is, what it holds, what it costs."""

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "choices": ["Choices", "read_choices"],
        "line": ["Line"],
        "options": ["RecipeOptions"],
        "recipe": ["Recipe", "make_recipe", "read_recipe"],
        "write": ["write_recipe"],
    },
)
