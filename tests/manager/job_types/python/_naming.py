"""No job type: for others to import."""


def film_of(folder: str) -> str:
    return f"{folder}/film.mp4"
