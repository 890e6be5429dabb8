"""The models of the endpoints as JSON Schema: bodies and parameters as they are read, answers as they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openapi_pydantic import Reference, Schema
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.api.endpoints import Contract

PLACE = "#/components/schemas/"


def plain(**facts: Any) -> Schema:
    """A small schema that belongs to no model: ``plain(type="string", minLength=1)``."""
    return Schema.model_validate(facts)


class Schemas:
    """Every model of the document, each under one name."""

    def __init__(self, contracts: Iterable[Contract], *, problem: type[BaseModel]) -> None:
        read: set[type[BaseModel]] = set()
        sent: set[type[BaseModel]] = {problem}
        queries: set[type[BaseModel]] = set()
        for contract in contracts:
            read |= {contract.body} if contract.body else set()
            queries |= {contract.query} if contract.query else set()
            sent.add(contract.answer)
        wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            *((model, "validation") for model in read | queries),
            *((model, "serialization") for model in sent),
        ]
        wanted.sort(key=lambda one: one[0].__qualname__)
        places, made = models_json_schema(wanted, ref_template=PLACE + "{model}")
        self._places: Mapping[Any, dict[str, Any]] = places
        self.definitions: dict[str, Any] = dict(made["$defs"])
        # A query is no object to anybody: its fields are parameters, one by one.
        self._parameters = {model: self.definitions.pop(self._name(model, "validation")) for model in queries - read}

    def reference(self, model: type[BaseModel], mode: JsonSchemaMode = "serialization") -> Reference:
        """Where the model stands in the document."""
        return Reference(**{"$ref": PLACE + self._name(model, mode)})

    def parameters(self, model: type[BaseModel]) -> dict[str, Any]:
        """The fields of a query with their schemas, by the names that are written in an address."""
        return {name: _never_null(field) for name, field in self._parameters[model]["properties"].items()}

    def is_needed(self, model: type[BaseModel], name: str) -> bool:
        """Whether a parameter must be sent."""
        return name in self._parameters[model].get("required", ())

    def _name(self, model: type[BaseModel], mode: JsonSchemaMode) -> str:
        place: str = self._places[model, mode]["$ref"]
        return place.removeprefix(PLACE)


def _never_null(field: dict[str, Any]) -> dict[str, Any]:
    """A parameter is sent or left out; there is no way to write null in an address."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return field
    rest = {key: value for key, value in field.items() if key not in ("anyOf", "default")}
    return kinds[0] | rest
