"""Tables of what the tests notice, and of other versions."""

from page_tables.markdown import read, table


def mutation() -> str:
    """Return how many changes of the code the tests noticed, part by part."""
    noticed = (read("mutation").set_index("part").noticed != "no").groupby("part", sort=False)
    rows = [
        [part, str(len(seen)), str(seen.sum()), f"{seen.mean():.1%}".replace("%", " %")]
        for part, seen in noticed
    ]
    return table(["part", "changes", "noticed", "share"], rows)


def survivors() -> str:
    """Return the changes that no test noticed."""
    mutants = read("mutation").query("noticed == 'no'")
    changes = "`" + mutants.change.str.replace("|", r"\|") + "`"
    rows = zip(mutants.file, mutants.line.astype(str), changes, strict=True)
    return table(["file", "line", "change"], rows)


def versions() -> str:
    """Return the largest difference of a prediction in each environment, model by model."""
    environments = read("versions").astype(str)
    return table(list(environments), environments.to_numpy())
