// Nodes shown to a ValueSink, with secrets and values of references masked.
#pragma once

#include "config/any_schema.h"
#include "config/node.h"
#include "config/value_sink.h"

namespace layotto::config {

// `schema` describes the node, or is null. Where no schema says what a value is, texts whose names
// sound like a secret and addresses with a password in them are masked.
void show_node(const Node& node, const AnySchema* schema, ValueSink& sink);

}  // namespace layotto::config
