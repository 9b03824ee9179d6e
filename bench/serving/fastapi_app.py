"""What many write today: FastAPI, pydantic, LightGBM's Booster."""
import os

import lightgbm
import numpy
from fastapi import FastAPI
from pydantic import BaseModel

booster = lightgbm.Booster(model_file=os.environ["MODEL"])
app = FastAPI()


class Rows(BaseModel):
    inputs: list[list[float]]


@app.post("/predict")
async def predict(rows: Rows):
    return {"predictions": booster.predict(numpy.asarray(rows.inputs), num_threads=1).tolist()}
