"""OpenLineage's published schemas (data/openlineage) and what they find wrong with a document."""
import json
import re
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

FOLDER = Path(__file__).resolve().parent / "data" / "openlineage"
SCHEMAS = [json.loads(file.read_text()) for file in sorted(FOLDER.rglob("*.json"))]
REGISTRY = Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS])
CORE = next(schema["$id"] for schema in SCHEMAS if schema["$id"].endswith("/OpenLineage.json"))
# ("ParentRunFacet" -> its address): facets whose schema is here.
FACETS = {schema["$id"].rsplit("/", 1)[1].removesuffix(".json"): schema["$id"] for schema in SCHEMAS if schema["$id"] != CORE}
ADDRESS = re.compile(r"https://openlineage\.io/spec/facets/(\d+)-\d+-\d+/(\w+)\.json#/\$defs/(\w+)")


def told(error, where):
    """The error, and what stands behind it when none of several schemas fits."""
    yield f"{where}{error.json_path[1:]}: {error.message}"
    for reason in error.context:
        yield from told(reason, where)


def against(address, document, where):
    formats = Draft202012Validator.FORMAT_CHECKER
    missing = {"date-time", "uri", "uuid"} - set(formats.checkers)
    assert not missing, f"these formats would go unchecked: {missing}"
    validator = Draft202012Validator({"$ref": address}, registry=REGISTRY, format_checker=formats)
    return [line for error in validator.iter_errors(document) for line in told(error, where)]


def facets_of(event):
    """Each facet with its place."""
    places = [("run.facets", event.get("run", {}).get("facets", {})), ("job.facets", event.get("job", {}).get("facets", {}))]
    for side, own in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for number, dataset in enumerate(event.get(side, [])):
            places += [(f"{side}[{number}].{kind}", dataset.get(kind, {})) for kind in ("facets", own)]
    return [(f"{place}.{name}", facet) for place, facets in places for name, facet in facets.items()]


def problems(event):
    """What the schema that the event names, and those of its facets, find wrong: a list of "place: what"."""
    if event.get("schemaURL") != f"{CORE}#/$defs/RunEvent":
        return [f"schemaURL: {event.get('schemaURL')} isn't that of {CORE}"]
    found = against(event["schemaURL"], event, "")
    for place, facet in facets_of(event):
        named = ADDRESS.fullmatch(facet.get("_schemaURL", ""))
        if not named or named.group(2) not in FACETS:
            continue
        here = FACETS[named.group(2)]
        # A newer version of the same major one only adds to it.
        if here.split("/")[-2].split("-")[0] != named.group(1) or named.group(3) != named.group(2):
            found.append(f"{place}._schemaURL: {facet['_schemaURL']} goes by other rules than {here}")
        found += against(f"{here}#/$defs/{named.group(2)}", facet, place)
    return found
