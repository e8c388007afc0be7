"""The recipe of the model that is to be built: every choice on one line, the run as it can be started, what it costs and reaches."""

from studylib.lazy import lazy

__all__, __getattr__, __dir__ = lazy(
    __name__,
    {
        "choices": ["Choices", "read_choices"],
        "line": ["Line"],
        "options": ["RecipeOptions"],
        "recipe": ["Recipe", "make_recipe", "read_recipe", "write_recipe"],
    },
)
