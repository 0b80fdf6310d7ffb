// Schemas printed: for editors, for the reference pages, for the terminal. Hidden settings are left
// out of the texts, and have only their type in the JSON schema, so that editors accept them.
#pragma once

#include <string>

#include "config/any_schema.h"

namespace layotto::config {

// JSON Schema, draft 2020-12, of a document in our own YAML: every scalar may also be a reference.
std::string to_json_schema(const AnySchema& schema);

// A heading, the summary and a table of the settings; then the same for each struct inside. `level`
// is that of the first heading, 1 to 5; the others are one below.
std::string to_markdown(const AnySchema& schema, int level = 2);

// For the terminal, wrapped at 80 columns.
std::string to_text(const AnySchema& schema);

}  // namespace layotto::config
