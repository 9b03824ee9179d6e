#!/usr/bin/env python3
"""Writes duckdb_cases.txt: what DuckDB 1.5.5 answers to a few hundred expressions on a fixed table.

usage: python3 generate_cases.py > duckdb_cases.txt      (needs the packages duckdb==1.5.5 and pytz)

Lines are separated by tabs: `columns name:type …`, `row value …`, `zone NAME`, `case expression type value …` with one value per row.
Null is \\N, a failure of that row is \\!, tab, line end and backslash are escaped; timestamps are microseconds, dates days since 1970.
"""
import duckdb

assert duckdb.__version__ == "1.5.5", duckdb.__version__

COLUMNS = [("i", "BIGINT"), ("j", "BIGINT"), ("x", "DOUBLE"), ("y", "DOUBLE"), ("s", "VARCHAR"), ("t", "VARCHAR"),
           ("b", "BOOLEAN"), ("c", "BOOLEAN"), ("ts", "TIMESTAMP"), ("te", "TIMESTAMP"), ("d", "DATE"), ("e", "DATE")]
MARTLET = {"BIGINT": "integer", "INTEGER": "integer", "TINYINT": "integer", "SMALLINT": "integer", "DOUBLE": "number",
           "VARCHAR": "text", "BOOLEAN": "boolean", "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp", "DATE": "date",
           '"NULL"': "integer"}
MAX, MIN = 9223372036854775807, -9223372036854775808
ROWS = [
    (0, 0, 0.0, 1.0, "", "a%", True, True, "2024-03-10 06:59:59.999999", "2024-03-10 07:00:00", "2024-02-29", "2024-03-01"),
    (1, 2, -0.0, 0.0, "abc", "_b_", True, False, "2024-03-10 07:00:00", "2024-03-11 06:30:00", "2023-12-31", "2024-01-01"),
    (-1, 3, 1.5, -2.0, "ÄÖÜ straße", "%", False, True, "2024-11-03 05:30:00", "2024-11-03 06:30:00", "2021-01-03", "2020-12-28"),
    (2, None, -1.5, 3.0, "  padded  ", "", False, False, "2024-11-03 06:30:00", "2024-11-02 05:30:00", "1969-12-31", "1970-01-01"),
    (7, -3, 2.5, float("nan"), "a%c", "%o%", None, True, "1969-12-31 23:59:59.9995", "1970-01-01 00:00:00.1", "1600-02-29", "2000-02-29"),
    (-7, 2, float("nan"), float("nan"), None, "L", True, None, "2000-02-29 12:34:56.789012", "2001-03-01 00:00:00", None, "2024-12-30"),
    (100, 7, float("inf"), 1.0, "hello world", None, None, None, "2013-04-01 09:15:00", "2013-03-31 01:30:00", "2024-12-30", None),
    (12345, -2, float("-inf"), 0.5, "12", "1", False, None, "1999-12-31 23:59:59", "2000-01-01 00:00:00", "0001-01-01", "9999-12-31"),
    (-12355, -1, None, 2.0, "-3.7", "-", None, False, None, "2024-06-15 12:00:00", "2010-01-31", "2010-02-28"),
    (MAX, 1, 1e300, None, "true", "t%e", True, True, "2024-12-29 23:00:00", None, "1999-12-31", "2001-01-01"),
    (MIN, -1, 0.1, 0.2, "İstanbul", "i%", False, True, "1950-07-04 04:00:00", "1960-01-01 05:00:00.5", "1970-01-01", "1969-12-25"),
    (None, 5, 123456.789, -7.0, "日本語テキスト", "__語%", True, False, "2024-03-31 01:00:00", "2024-03-31 00:59:59.5", "1900-02-28", "1900-03-01"),
    (3, MAX, 1e-5, 1e16, "nan", "x", False, False, "2024-10-27 00:30:00", "2024-10-27 01:30:00", "2024-07-04", "2024-07-04"),
    (5, MIN, -2.5, 10.0, "2024-02-29", "2024%", True, True, "2024-02-29 00:00:00", "2025-02-28 00:00:00", "2025-02-28", "2024-02-29"),
    (-2, 10, 0.49999999999999994, -1.0, "x'y\tz\n", "%\t%", None, None, "1970-01-01 00:00:00", "1970-01-01 00:00:00", "1970-01-05", "1970-01-04"),
    (60, 24, 3.0, 4.0, "e\u0301 \u00a0\u3000 👩‍👧", "_", True, False, "2030-07-01 18:45:30.25", "2030-12-31 23:59:59.999999", "2030-07-01", "2030-12-31"),
]

ZONELESS = []
ZONED = []


def add(*expressions):
    ZONELESS.extend(expressions)


# Arithmetic on integers, with overflow at both ends, and on numbers.
for op in ["+", "-", "*", "/", "//", "%"]:
    add(f"i {op} j", f"j {op} i", f"i {op} 2", f"7 {op} j", f"x {op} y", f"y {op} x", f"i {op} x", f"x {op} j", f"x {op} 2.5e0",
        f"1e0 {op} y")
add("-i", "- -i", "-x", "+i", "i + j * 2 - 1", "(i + j) * 2", "i - j - 1", "x / y / 2", "x ** 2", "i ** 2", "2 ** x", "x ^ y", "-x ** 2",
    "x ** 2 ** 2", "i * 1e0", "i % 5 * 2", "7 // 2 * j", "-2 ** 2", "i - -1", "x - -1e0", "mod(i, 5)", "mod(x, 2e0)", "mod(i, j)")
for f in ["abs", "sign", "round", "trunc"]:
    add(f"{f}(i)", f"{f}(x)", f"{f}(y)")
for f in ["floor", "ceil", "ceiling", "sqrt", "ln", "log", "log10", "log2", "exp", "sin", "cos", "tan", "cot", "asin", "acos", "atan", "isnan",
          "isfinite", "isinf", "degrees", "radians"]:
    add(f"{f}(x)", f"{f}(y)", f"{f}(j % 3)")
add("pow(x, y)", "power(y, 2)", "pow(i, j % 5)", "atan2(x, y)", "atan2(y, x)", "log(y, x)", "log(2e0, x)", "log(10, y)", "pi()",
    "round(x, 2)", "round(x, 0)", "round(x, -2)", "round(y, 1)", "round(x, 20)", "round(x, 400)", "round(x, -400)", "round(i // 10, -1)",
    "round(i // 10, -2)", "round(i, 3)", "round(j % 1000, -1)", "round(2.5e0)", "round(-2.5e0)", "round(x * 10, -1)")
# Comparisons: NaN, signed zeros, texts by bytes, mixtures.
for op in ["=", "<>", "<", "<=", ">", ">=", "is distinct from", "is not distinct from"]:
    add(f"i {op} j", f"x {op} y", f"i {op} x", f"s {op} t", f"b {op} c", f"ts {op} te", f"d {op} e", f"x {op} 'nan'::double",
        f"i {op} null", f"s {op} 'abc'", f"d {op} '2024-02-29'", f"ts {op} '2013-04-01'", f"b {op} true", f"i {op} 2.5e0", f"d {op} ts")
add("i == j", "i != j", "x = 'inf'::double", "1 = '1'", "'10' > 9", "i > '2'", "'2.5' < x", "b = 1", "i is null", "i is not null",
    "x is null", "s is null", "b is true", "b is not true", "b is false", "b is not false", "b is unknown", "null is null", "i = 2 is null",
    "x between y and 2", "i between -2 and 7", "i not between j and 100", "s between 'a' and 'i'", "d between '2000-01-01' and '2024-03-01'",
    "ts between '2013-01-01' and '2024-12-31'", "i between null and 3", "i not between null and 0", "x between 'nan'::double and 'nan'::double",
    "i in (1, 2, 7)", "i not in (1, 2, 7)", "i in (1, null)", "i not in (1, null)", "x in (1.5e0, 2.5e0, 'nan'::double)", "x in (0, 3)",
    "s in ('abc', 'true', '')", "s not in ('abc', null)", "i in (j, 2, 7)", "x in (y, 1.5e0)", "b in (true)", "b in (c, null)",
    "d in ('2024-02-29', '1970-01-01')", "d in ('2024-02-29', e)", "i in (1.5e0, 2)", "ts in ('2013-04-01 09:15:00')", "null in (1, 2)")
# Three-valued logic.
add("b and c", "b or c", "not b", "b and not c or c", "not b and c", "not (b and c)", "b and null", "b or null", "null and false",
    "null or true", "not null", "b = c and i > 0", "i > 0 and x > 0 or s = 'abc'", "not b = c", "not i > 2", "b and i < j and x < y",
    "true and b", "false or c", "b and true and c", "i is null or i < 0")
# Choices.
add("case when i > 2 then 'big' when i > 0 then 'small' else 'none' end", "case when b then i end", "case when b then i else x end",
    "case when b then x else i end", "case when b and c then 900 when b then -250 else 0 end", "case i when 1 then 'one' when 7 then 'seven' end",
    "case i when 1.0e0 then 'one' else s end", "case s when 'abc' then 1 when t then 2 else 3 end", "case when null then 1 else 2 end",
    "case null when null then 1 else 2 end", "case x when y then 1 else 0 end", "case when i <> 0 then 10 // i else -1 end",
    "case when s = '12' then cast(s as bigint) end", "case when b then d else ts end", "case when b then ts end", "case when b then null else 1 end",
    "case when b then case when c then 1 else 2 end else 3 end", "case when x > 0 then sqrt(x) else 0 end", "case when y > 0 then ln(y) end",
    "case when b then d end", "case when b then s || '!' else null end", "case b when c then 1 when null then 2 else 3 end",
    "coalesce(i, j)", "coalesce(i, x)", "coalesce(x, i, 0)", "coalesce(s, t, 'none')", "coalesce(b, c)", "coalesce(null, i)", "coalesce(d, e)",
    "coalesce(ts, te)", "coalesce(d, ts)", "coalesce(i, 1 // 0, 5)", "coalesce(nullif(i, 1), -5)", "ifnull(i, 0)", "ifnull(x, i)",
    "ifnull(s, 'none')", "nullif(i, 1)", "nullif(i, j)", "nullif(x, 1.5e0)", "nullif(i, 1.0e0)", "nullif(s, 'abc')", "nullif(b, c)",
    "nullif(x, y)", "nullif(d, e)", "nullif(i, x)", "nullif(x, i)", "nullif(1, null)", "if(b, i, j)", "if(b, 'y', 'n')", "if(i > j, i, x)",
    "if(null, 1, 2)", "x / nullif(j, 0)", "coalesce(x, 'inf'::double)",
    "greatest(i, j)", "least(i, j)", "greatest(x, y)", "least(x, y)", "greatest(i, x)", "least(s, t)", "greatest(s, t, 'm')", "greatest(d, e)",
    "least(ts, te)", "greatest(i, null, j)", "least(i, 3, j)", "greatest(b, c)", "greatest(d, ts)", "greatest(x, 0, y, 1)")
# Texts.
for f in ["length", "len", "char_length", "strlen", "lower", "upper", "lcase", "ucase", "trim", "ltrim", "rtrim"]:
    add(f"{f}(s)")
    add(f"{f}(t)")
add("s || t", "s || i", "i || s", "x || ''", "b || '-' || d", "ts || '|' || te", "i + 2 || 'x'", "concat(s, t)", "concat(s, i, x, b)", "concat(d, ts)",
    "concat(null, s)", "concat(s)", "x || s", "trim(s, 'ab ')", "ltrim(s, 'aÄx')", "rtrim(s, 'eßct')", "trim(s, '')", "trim(s, t)",
    "substring(s, 2, 3)", "substring(s, 0, 3)", "substring(s, -3, 2)", "substring(s, -10, 9)", "substring(s, 2)", "substr(s, -2)", "substr(s, 0)",
    "substring(s, 2, -1)", "substring(s, 4, -2)", "substring(s, -2, -2)", "substring(s, 7, -3)", "substring(s, 3, 0)", "substring(s, 100, 5)",
    "substring(s, j % 5, i % 4)", "left(s, 2)", "left(s, -2)", "left(s, 0)", "right(s, 3)", "right(s, -2)", "right(s, 0)", "left(s, 100)", "right(s, 100)",
    "left(s, -100)", "right(s, -100)", "left(s, i % 5)", "right(s, i % 5)", "replace(s, 'a', 'bb')", "replace(s, '', 'x')", "replace(s, 'l', '')",
    "replace(s, t, '-')", "replace(s, '本', 'ß')", "contains(s, 'a')", "contains(s, '')", "contains(s, t)", "starts_with(s, 'a')", "prefix(s, t)",
    "ends_with(s, 'e')", "suffix(s, 'd')", "suffix(s, t)", "strpos(s, 'l')", "instr(s, 'a')", "strpos(s, '語')", "strpos(s, '')", "strpos(s, t)",
    "position('c' in s)", "s like t", "s not like t", "s ilike t", "s not ilike t", "s like 'a%'", "s like '%a%'", "s like '_b_'", "s like '%'",
    "s like ''", "s like '%c'", "s like 'a\\%c'", "s like '%o%l%'", "s like '_______'", "s ilike 'Ä%'", "s ilike 'A%C'", "s ilike '%STRASSE'",
    "s like null", "regexp_matches(s, 'a|e')", "regexp_matches(s, '^[0-9]+$')", "regexp_matches(s, 'A', 'i')", "regexp_matches(s, 'y.z')",
    "regexp_matches(s, 'y.z.', 's')", "regexp_matches(s, 'z.')", "regexp_full_match(s, '[a-z]+')", "regexp_matches(s, '\\d')", "regexp_matches(s, '')",
    "length(s) * 2 > 10", "upper(s) = 'ABC'", "lower(upper(s))", "upper(lower(s)) || length(s)", "s < t", "s > 'a'")
# Casts.
add("cast(i as double)", "cast(x as bigint)", "cast(y as bigint)", "try_cast(x as bigint)", "cast(b as bigint)", "cast(b as double)", "b::bigint + 1", "cast(i as boolean)",
    "cast(x as boolean)", "cast(i as varchar)", "cast(x as varchar)", "cast(y as varchar)", "cast(b as varchar)", "cast(ts as varchar)", "cast(d as varchar)",
    "cast(s as bigint)", "try_cast(s as bigint)", "try_cast(s as double)", "try_cast(s as boolean)", "try_cast(s as date)", "cast(s as double)", "cast(ts as date)",
    "d::timestamp", "ts::date::timestamp", "x::bigint::double", "(x * 3)::varchar", "(x / 3)::varchar", "(i / 7)::varchar", "(i * 1e0)::varchar", "(y * 1e-7)::varchar",
    "(y * 1e14)::varchar", "(y * 1e15)::varchar", "(y * 1e16)::varchar", "null::varchar", "cast(null as date)", "i::text || 'a'", "try_cast(t as bigint)")
for text in ["12", " 12 ", "+12", "12.5", "-12.5", "12.49", "1e3", "1.25e1", "9223372036854775807", "9223372036854775808", "9223372036854775807.4", "-9223372036854775808",
             "", "abc", "12abc", "- 1", ".5", "5.", "-", "1e", "0.4999", "-0.5"]:
    add(f"try_cast('{text}' as bigint)", f"try_cast('{text}' as double)")
for text in ["inf", "-inf", "Infinity", "NaN", "-nan", "1e400", "-1e400", "1e-400", "1,5", "0x10", "1d"]:
    add(f"try_cast('{text}' as double)")
for text in ["t", "T", "true", "TRUE", "f", "yes", "No", "y", "n", "1", "0", "2", "", "on", " true"]:
    add(f"try_cast('{text}' as boolean)")
for text in ["2024-02-29", "2023-02-29", "2024-13-01", "0001-01-01", "9999-12-31", "2024-02-29 12:00:00", "20240229", "abc", ""]:
    add(f"try_cast('{text}' as date)")
for text in ["2024-02-29", "2024-02-29 12:34:56", "2024-02-29T12:34:56.789", "2024-02-29 12:34", "2024-02-29 25:00:00", "2024-02-30 00:00:00", "1969-12-31 23:59:59.5"]:
    add(f"try_cast('{text}' as timestamp)")
# Dates and times.
PARTS = ["year", "month", "day", "hour", "minute", "second", "millisecond", "microsecond", "quarter", "week", "weekofyear", "weekday", "dayofweek", "isodow",
         "dayofyear", "dayofmonth", "yearweek", "isoyear", "decade", "century", "millennium"]
for part in PARTS:
    ZONED.extend([f"{part}(ts)", f"date_part('{part}', te)"])
    add(f"{part}(d)", f"extract({part} from e)")
for part in ["dow", "doy", "hours", "mins", "ms", "us", "epoch"]:
    ZONED.append(f"date_part('{part}', ts)")
    add(f"date_part('{part}', d)")
UNITS = ["microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium", "isoyear"]
for unit in UNITS:
    ZONED.extend([f"date_trunc('{unit}', ts)", f"date_diff('{unit}', ts, te)", f"date_diff('{unit}', te, ts)"])
    add(f"date_trunc('{unit}', e)", f"date_diff('{unit}', d, e)", f"date_diff('{unit}', e, d)")
ZONED.extend(["epoch(ts)", "epoch_ms(ts)", "epoch_us(te)", "cast(ts as date)", "ts::date = d", "ts + interval 1 hour", "ts - interval '1 day'", "ts + interval '1 month'",
              "ts - interval 13 month", "ts + interval '1 day 2 hours'", "interval 1 week + ts", "ts + interval '90 minutes'", "ts < d", "ts >= e", "ts > '2013-04-01 05:15:00'",
              "ts = timestamp '2024-03-10 07:00:00'", "ts - te > interval '1 day'", "te - ts <= interval 2 hour", "epoch(te - ts)", "ts + (te - ts) = te",
              "hour(ts) >= 17", "hour(ts + interval 30 minutes)", "case when hour(ts) between 7 and 9 then 'rush' else 'calm' end", "greatest(ts, te)",
              "date_trunc('day', ts) + interval 12 hours", "te + interval '-1 month'", "ts - interval '1 year 2 months 3 days 4 hours'"])
add("epoch(d)", "epoch_ms(d)", "epoch_ms(i // 1000000)", "d + 1", "1 + d", "d - 1", "d - e", "e - d", "d - date '2000-01-01'", "d + interval 1 day", "d - interval '1 month'", "d + interval '1 hour'",
    "d + interval 14 months", "e + interval '1 year'", "make_date(2024, 2, 29)", "make_date(2023, 2, 29)", "make_date(2000 + i % 50, 1 + abs(i % 12), 28)",
    "date '2024-01-31' + interval 1 month", "timestamp '2024-03-31 05:00:00' - interval '1 month'", "interval '1 month' = interval '30 days'", "interval '1 day' = interval '24 hours'",
    "interval '3 hours' < interval '4 hours'", "interval '1 month' < interval '31 days'", "interval '1 year' > interval '11 months'", "d > '2000-01-01'", "ts - d > interval '1 hour'",
    "epoch(interval '1 day' * i)", "epoch(interval (j % 100) minutes)", "epoch(-interval '2 hours')", "d between e - 1 and e + 1", "date_diff('day', d, ts)", "ts::date - d",
    "date_diff('hour', d, ts)")
for text in ["3 hours", "1 day", "90s", "1h", "1 day 2 hours", "1 day -2 hours", "02:03:04.5", "1 day 02:03:04", "1 day ago", "-1 day", "1.5 hours", "1.5 days", "1.5 months", "1 week",
             "1 quarter", "2 years", "14 months", "1 year 2 mons", "3 us", "3 ms", "1 min", "1 m", " 1   day ", "1 DAY", "1day2hours", "1 day 2:3", "1", "1 decade"]:
    add(f"epoch(interval '{text}')")
for unit in ["year", "years", "month", "day", "hours", "minute", "second", "milliseconds", "microsecond", "week", "quarter", "decade", "century"]:
    add(f"epoch(interval 3 {unit})", f"epoch(interval '3' {unit})", f"epoch(interval (2 + 1) {unit})")


# Where martlet departs from DuckDB's TIMESTAMP WITH TIME ZONE on purpose; docs/expressions.md says why, expression_test.cc tests it.
DEPARTURES = [
    "date_trunc('hour', ts)", "date_diff('hour', ts, te)", "date_diff('hour', te, ts)",  # both hours of an autumn night stay apart
    "epoch(te - ts)",  # differences are exact time, not local days
    "ts - interval '1 year 2 months 3 days 4 hours'",  # the calendar part first, as on TIMESTAMP
    "epoch(ts)", "date_part('epoch', ts)",  # rounded as on TIMESTAMP
]


def type_of(connection, expression, table):
    return connection.execute(f"select typeof({expression}) from {table} limit 1").fetchone()[0]


def reading(expression, kind):
    if kind == "TIMESTAMP" or kind == "TIMESTAMP WITH TIME ZONE":
        return f"epoch_us({expression})"
    if kind == "DATE":
        return f"({expression}) - date '1970-01-01'"
    return f"({expression})"


def encode(value):
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, int)):
        return repr(value)
    assert isinstance(value, str), repr(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def evaluate(connection, expression, table):
    """One encoded value per row, and martlet's type; None when DuckDB refuses the expression as such."""
    try:
        kind = type_of(connection, expression, f"(select * from {table} where false) right join (select 1) on true")
    except duckdb.Error as error:
        return None, str(error).split("\n")[0]
    answers = []
    for row in range(len(ROWS)):
        try:
            found = connection.execute(f"select {reading(expression, kind)} from {table} where id = {row}").fetchone()[0]
            answers.append(encode(found))
        except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException):
            answers.append("\\!")
    return MARTLET[kind], answers


def main():
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.execute("create table plain (id integer, " + ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS) + ")")
    for k, row in enumerate(ROWS):
        connection.execute(f"insert into plain values ({', '.join('?' for _ in range(len(row) + 1))})", (k, *row))
    connection.execute("create table zoned as select * replace (ts at time zone 'UTC' as ts, te at time zone 'UTC' as te) from plain")
    print(f"# {__doc__.splitlines()[0]} Made by generate_cases.py.")
    print("\t".join(["columns"] + [f"{name}:{MARTLET[kind]}" for name, kind in COLUMNS]))
    readings = ", ".join(reading(f'"{name}"', kind) for name, kind in COLUMNS)
    for row in connection.execute(f"select {readings} from plain order by id").fetchall():
        print("\t".join(["row"] + [encode(value) for value in row]))
    seen = set()
    for zone, table, cases in [("UTC", "plain", ZONELESS + ZONED), ("America/New_York", "zoned", ZONED), ("Europe/London", "zoned", ZONED),
                               ("Asia/Kolkata", "zoned", ZONED)]:
        connection.execute(f"set timezone = '{zone}'")
        print(f"zone\t{zone}")
        for expression in cases:
            if (zone, expression) in seen or (zone != "UTC" and expression in DEPARTURES):
                continue
            seen.add((zone, expression))
            kind, answers = evaluate(connection, expression, table)
            if kind is None:
                import sys
                print(f"refused by DuckDB: {expression}: {answers}", file=sys.stderr)
                continue
            print("\t".join(["case", encode(expression), kind] + answers))


main()
