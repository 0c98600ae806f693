"""One route, served by a real uvicorn, for the tests of the dev server checks."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def home() -> dict[str, str]:
    return {"hello": "reader"}
