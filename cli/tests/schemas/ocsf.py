#!/usr/bin/env python3
"""Makes ocsf.json out of the schema that OCSF publishes: python3 ocsf.py EXPORT > ocsf.json

EXPORT is what https://schema.ocsf.io/1.6.0/export/schema gives. Kept are the classes that Palisade writes, with the attributes of its three
profiles, and the objects in them: names, types, what is required, closed lists with their captions. An object that Palisade does not write is
`false`, so that whoever adds one has to add it here.
"""

import json
import sys

CLASSES = ["process_activity", "file_activity", "network_activity", "dns_activity"]
PROFILES = {"cloud", "host", "security_control"}
OBJECTS = {
    "account", "actor", "attack", "cloud", "device", "dns_query", "file", "metadata", "network_connection_info", "network_endpoint",
    "policy", "process", "process_entity", "product", "sub_technique", "technique",
}
PLAIN = {
    "boolean_t": {"type": "boolean"},
    # OCSF says nothing of a size; Security Lake stores it in 32 bits.
    "integer_t": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long_t": {"type": "integer"},
    "float_t": {"type": "number"},
    "string_t": {"type": "string"},
}


def of_type(name, types):
    """A type with rules of its own stands among the definitions once."""
    found = types[name]
    if "regex" in found:
        return {"$ref": f"#/$defs/{name}"}
    return plain(found, name)


def plain(found, name):
    schema = dict(PLAIN.get(found.get("type", name), {}))
    if "regex" in found:
        schema["pattern"] = found["regex"]
    if "max_len" in found:
        schema["maxLength"] = found["max_len"]
    if "range" in found:
        schema["minimum"], schema["maximum"] = found["range"]
    return schema


def attribute(found, types):
    if found["type"] == "object_t":
        name = found["object_type"]
        # `object` has no attributes of its own: anything.
        schema = {"type": "object"} if name == "object" else {"$ref": f"#/$defs/{name}"} if name in OBJECTS else False
    elif found["type"] == "json_t":
        schema = True
    else:
        schema = of_type(found["type"], types)
        if "enum" in found and schema.get("type") == "integer":
            schema = {"type": "integer", "enum": sorted(int(value) for value in found["enum"])}
    if found.get("is_array") and schema is not False:
        schema = {"type": "array", "items": schema, "minItems": 1}
    return schema


def shape(found, types):
    """An object or a class; attributes of other profiles and deprecated ones are not taken."""
    taken = {
        name: one
        for name, one in sorted(found["attributes"].items())
        if (not one.get("profile") or one["profile"] in PROFILES) and "@deprecated" not in one
    }
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: attribute(one, types) for name, one in taken.items()},
        "required": [name for name, one in taken.items() if one.get("requirement") == "required"],
    }
    for kind, names in (found.get("constraints") or {}).items():
        alternatives = [{"required": [name]} for name in names if name in taken]
        schema[{"at_least_one": "anyOf", "just_one": "oneOf"}[kind]] = alternatives
    captions = {
        name: {"beside": one["sibling"], "captions": {value: each["caption"] for value, each in sorted(one["enum"].items())}}
        for name, one in taken.items()
        if one.get("sibling") in taken and "enum" in one and not one.get("is_array")
    }
    if captions:
        schema["captions"] = captions
    return schema


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        export = json.load(file)
    classes = [export["base_event"]] + [export["classes"][name] for name in CLASSES]
    out = {
        "$comment": f"OCSF {export['version']}, made by ocsf.py from https://schema.ocsf.io/{export['version']}/export/schema",
        "classes": {str(one["uid"]): shape(one, export["types"]) for one in classes},
        "$defs": {name: shape(export["objects"][name], export["types"]) for name in sorted(OBJECTS)}
        | {name: plain(one, name) for name, one in sorted(export["types"].items()) if "regex" in one},
    }
    print(lines(out))


def lines(value, depth=0):
    """JSON with a line for each attribute: a change shows where it is."""
    if not isinstance(value, dict) or depth == 4 or not value:
        return json.dumps(value, ensure_ascii=False)
    inside = ",\n".join(f"{' ' * (depth + 1)}{json.dumps(key)}: {lines(one, depth + 1)}" for key, one in value.items())
    return f"{{\n{inside}\n{' ' * depth}}}"


if __name__ == "__main__":
    main()
