// Configuration printed back as YAML, for people: what a file says, or what is in force with all
// defaults. Secrets and values that came from a reference are shown as "***".
#pragma once

#include <string>

#include "config/node.h"
#include "config/schema.h"

namespace layotto::config {

// A document or a part of it. With `schema`, the one that describes `node`, its secrets are known;
// where no schema says what a value is, values whose names sound like a secret (password, token, …)
// and addresses with a password in them are masked too.
std::string print_node(const Node& node, const AnySchema* schema = nullptr);

// Every setting of an object, whether written or not. `object` is the schema's T; `written` is the
// node it was read from: without it, values of references cannot be told and are shown.
std::string print_object(const AnySchema& schema, const void* object, const Node* written);

template <class T>
std::string print_settings(const Schema<T>& schema, const T& settings, const Node* written) {
  return print_object(schema, &settings, written);
}

}  // namespace layotto::config
