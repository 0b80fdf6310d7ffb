// How the values of settings are read from nodes: one function per kind of C++ type, used by
// config/values.h. Each checks kind and limits, adds at most one problem and returns false then,
// and otherwise sets `out`. Secrets and values of references are never quoted in a problem.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/any_schema.h"
#include "config/byte_size.h"
#include "config/secret.h"

namespace layotto::config {

bool read_bool(const Node& node, bool& out, ParsePass& pass);
// [type_min, type_max] is what the C++ type holds; limits.min and max narrow it.
bool read_integer(const Node& node, Int128& out, Int128 type_min, Int128 type_max,
                  const Limits& limits, ParsePass& pass);
// Finite numbers only.
bool read_number(const Node& node, double& out, const Limits& limits, ParsePass& pass);
// No NUL bytes.
bool read_string(const Node& node, std::string& out, const Limits& limits, ParsePass& pass);
bool read_secret(const Node& node, Secret& out, const Limits& limits, ParsePass& pass);
// Not negative unless limits.min says so.
bool read_duration(const Node& node, Duration& out, const Limits& limits, ParsePass& pass);
bool read_byte_size(const Node& node, ByteSize& out, const Limits& limits, ParsePass& pass);
// `out` becomes an index of `names`.
bool read_name(const Node& node, size_t& out, std::span<const std::string_view> names,
               ParsePass& pass);

// Checks that the node is a list (or a map) with as many items as it may have. A null is empty.
bool check_list(const Node& node, const Limits& limits, ParsePass& pass);
bool check_map(const Node& node, const Limits& limits, ParsePass& pass);
// The items of a string with limits.separator between them, spaces around them removed; empty for
// an empty string.
bool is_separated_list(const Node& node, const Limits& limits, const ParsePass& pass);
bool read_separated(const Node& node, std::vector<std::string>& out, const Limits& limits,
                    ParsePass& pass);

}  // namespace layotto::config
