// What a setting may be, in words: for the reference pages and the terminal.
#pragma once

#include <string>
#include <vector>

#include "config/any_schema.h"

namespace layotto::config {

// "integer", "list of strings", "map of names to `upstream`".
std::string type_text(const TypeDescription& type);

// "from 1 to 65535", "not empty", "one of a, b"; empty without limits.
std::string limits_text(const FieldDescription& field);

// "5s", "[]", "unset", "required"; empty for structs, whose own settings have defaults, and
// secrets.
std::string default_text(const AnySchema& schema, const AnyField& field);

// `schema` and every schema its settings lead to, each once, in the order they are met.
std::vector<const AnySchema*> schemas_below(const AnySchema& schema);

// The innermost type of lists and maps.
const TypeDescription& leaf_of(const TypeDescription& type);

}  // namespace layotto::config
