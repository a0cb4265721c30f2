"""Configuration files of docs/pbx, as they stand there but for the words that
are replaced: addresses, folders."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs", "pbx")


class WrongRecipe(Exception):
    pass


def read(name):
    with open(os.path.join(RECIPES, name), encoding="utf-8") as f:
        return f.read()


def fill(names, words):
    """[text] of these files; every word stands in one of them at least."""
    texts = [read(name) for name in names]
    for old, new in words.items():
        if not any(old in text for text in texts):
            raise WrongRecipe("%s is nowhere in %s" % (old, names))
        texts = [text.replace(old, new) for text in texts]
    return texts


def write(folder, names, words):
    """The same, into a folder, without the recipes' own folders."""
    os.makedirs(folder, exist_ok=True)
    for name, text in zip(names, fill(names, words)):
        with open(os.path.join(folder, os.path.basename(name)), "w") as f:
            f.write(text)
