#include "config/value_reader.h"

#include <cmath>

#include "base/nearest_name.h"
#include "config/duration_text.h"

namespace layotto::config {
namespace {

bool wrong(const Node& node, std::string_view wanted, ParsePass& pass, std::string remedy = {}) {
  pass.problems.error(node, fmt::format("wants {}, found {}", wanted, node.describe()),
                      std::move(remedy));
  return false;
}

// The text as a quote for a message, unless it came from a reference.
std::string shown(const Node& node) {
  return node.from_reference() ? std::string("a value from a reference") : quote(node.text());
}

// "from 1 to 10", "of at least 1", "of at most 10"; empty without limits.
std::string range_text(const std::string& low, const std::string& high) {
  if (!low.empty() && !high.empty()) return fmt::format(" from {} to {}", low, high);
  if (!low.empty()) return " of at least " + low;
  if (!high.empty()) return " of at most " + high;
  return {};
}

template <class Text>
std::string range_text(const Limits& limits, Text text) {
  return range_text(limits.min ? text(*limits.min) : std::string{},
                    limits.max ? text(*limits.max) : std::string{});
}

bool in_range(Int128 value, const Limits& limits) {
  return (!limits.min || value >= *limits.min) && (!limits.max || value <= *limits.max);
}

std::string duration_limit(Int128 nanoseconds) {
  return duration_text(Duration(static_cast<int64_t>(nanoseconds)));
}

std::string byte_limit(Int128 bytes) { return ByteSize{static_cast<uint64_t>(bytes)}.to_string(); }

template <class Names>
std::string or_list(const Names& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> names) {
  const std::string_view nearest = base::nearest_name(text, names);
  return nearest.empty() ? std::string{} : fmt::format("did you mean {}?", nearest);
}

// A string that lenient reading takes for its content.
bool is_loose_text(const Node& node, const ParsePass& pass) {
  return pass.lenient() && node.kind() == Kind::kString;
}

}  // namespace

bool read_bool(const Node& node, bool& out, ParsePass& pass) {
  if (node.kind() == Kind::kBool) {
    out = node.boolean();
    return true;
  }
  const std::string_view text = node.text();
  if (is_loose_text(node, pass)) {  // as Go's strconv.ParseBool
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
      if (text == yes) return out = true;
    }
    for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
      if (text == no) {
        out = false;
        return true;
      }
    }
  }
  if (node.quoted() && (text == "true" || text == "false")) {
    return wrong(node, "true or false", pass, "remove the quotes");
  }
  return wrong(node, "true or false", pass);
}

bool read_integer(const Node& node, Int128& out, Int128 type_min, Int128 type_max,
                  const Limits& limits, ParsePass& pass) {
  Limits range;
  range.min = std::max(type_min, limits.min.value_or(type_min));
  range.max = std::min(type_max, limits.max.value_or(type_max));
  const std::string wanted = "an integer" + range_text(range, &integer_text);
  Int128 value = 0;
  if (node.kind() == Kind::kInteger) {
    value = node.integer();
  } else if (!is_loose_text(node, pass) || !decimal_integer(node.text(), value)) {
    const bool is_quoted_number =
        node.kind() == Kind::kString && node.quoted() && decimal_integer(node.text(), value);
    return wrong(node, wanted, pass, is_quoted_number ? "remove the quotes" : "");
  }
  if (!in_range(value, range)) return wrong(node, wanted, pass);
  out = value;
  return true;
}

bool read_number(const Node& node, double& out, const Limits& limits, ParsePass& pass) {
  const std::string wanted =
      "a number" + range_text(limits.number_min ? fmt::format("{}", *limits.number_min) : "",
                              limits.number_max ? fmt::format("{}", *limits.number_max) : "");
  double value = 0;
  if (node.kind() == Kind::kFloat) {
    value = node.number();
  } else if (node.kind() == Kind::kInteger) {
    value = static_cast<double>(node.integer());
  } else {
    const Scalar loose = is_loose_text(node, pass) ? plain_scalar(node.text()) : Scalar{};
    if (loose.kind == Kind::kFloat) {
      value = loose.number;
    } else if (loose.kind == Kind::kInteger) {
      value = static_cast<double>(loose.integer);
    } else {
      return wrong(node, wanted, pass);
    }
  }
  if (!std::isfinite(value) || (limits.number_min && value < *limits.number_min) ||
      (limits.number_max && value > *limits.number_max)) {
    return wrong(node, wanted, pass);
  }
  out = value;
  return true;
}

namespace {

// Rules about the text itself, for strings and secrets.
bool check_text(const Node& node, const Limits& limits, bool secret, ParsePass& pass) {
  const std::string_view text = node.text();
  const auto fail = [&](std::string message, std::string remedy = {}) {
    pass.problems.error(node, std::move(message), std::move(remedy));
    return false;
  };
  if (limits.non_empty && text.empty()) return fail("must not be empty", "write a text");
  if (limits.length_max && text.size() > *limits.length_max) {
    return fail(fmt::format("has {} bytes, the limit is {}", text.size(), *limits.length_max),
                "make it shorter");
  }
  if (text.find('\0') != std::string_view::npos) {
    return fail("has a NUL character in it", "remove it");
  }
  const bool hide = secret || node.from_reference();
  if (limits.format != nullptr) {
    if (const Status status = limits.format(text); !status.ok()) {
      if (hide) return fail(fmt::format("its value is not a valid {}", limits.format_name));
      return fail(fmt::format("wants {}, found {}: {}", limits.format_name, quote(text),
                              status.error().message()));
    }
  }
  return true;
}

bool is_one_of(std::string_view text, std::span<const std::string> choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

}  // namespace

bool read_string(const Node& node, std::string& out, const Limits& limits, ParsePass& pass) {
  const bool scalar = node.is_scalar() && !node.is_null();
  const auto& choices = limits.one_of;
  if (!choices.empty()) {
    // `version: 1.2` is a number, and one of the choices all the same.
    if (!scalar || !is_one_of(node.text(), choices)) {
      const std::vector<std::string_view> names(choices.begin(), choices.end());
      return wrong(node, or_list(names), pass,
                   scalar && !node.from_reference() ? did_you_mean(node.text(), names) : "");
    }
  } else if (node.kind() != Kind::kString && !(pass.lenient() && scalar)) {
    return wrong(node, "a string", pass, scalar ? "put it in quotes" : "");
  }
  if (!check_text(node, limits, false, pass)) return false;
  out = node.text();
  return true;
}

bool read_secret(const Node& node, Secret& out, const Limits& limits, ParsePass& pass) {
  const bool scalar = node.is_scalar() && !node.is_null();
  if (node.kind() != Kind::kString && !(pass.lenient() && scalar)) {
    pass.problems.error(node, fmt::format("wants a string, found {}", kind_name(node.kind())),
                        scalar ? "put it in quotes" : "");
    return false;
  }
  if (!check_text(node, limits, true, pass)) return false;
  out = Secret(std::string(node.text()));
  return true;
}

bool read_duration(const Node& node, Duration& out, const Limits& limits, ParsePass& pass) {
  Limits range = limits;
  if (!range.min) range.min = 0;
  const bool at_least_zero = *range.min == 0 && !range.max;
  const std::string wanted =
      "a duration" + (at_least_zero ? std::string{} : range_text(range, &duration_limit));
  Duration value{0};
  Int128 bare = 0;
  const bool is_bare = node.kind() == Kind::kInteger ||
                       (is_loose_text(node, pass) && decimal_integer(node.text(), bare));
  if (is_bare) {
    if (node.kind() == Kind::kInteger) bare = node.integer();
    Int128 unit = 1;
    if (bare != 0 && limits.unit_if_bare && pass.lenient()) {
      unit = limits.unit_if_bare->count();
    } else if (bare != 0) {
      return wrong(node, "a duration with its unit", pass,
                   node.from_reference() ? "write it like 5s"
                                         : fmt::format("write {}s", node.text().substr(0, 20)));
    }
    if (bare > INT64_MAX / unit || bare < INT64_MIN / unit) return wrong(node, wanted, pass);
    value = Duration(static_cast<int64_t>(bare * unit));
  } else {
    if (node.kind() != Kind::kString) return wrong(node, wanted, pass, "write it like 5s or 1m30s");
    Result<Duration> parsed = parse_duration(node.text());
    if (!parsed.ok()) {
      pass.problems.error(
          node,
          fmt::format("wants a duration, found {}: {}", shown(node), parsed.error().message()),
          "write it like 5s, 100ms or 1m30s");
      return false;
    }
    value = *parsed;
  }
  if (!in_range(value.count(), range)) {
    return wrong(node, wanted, pass, at_least_zero ? "it cannot be negative" : "");
  }
  out = value;
  return true;
}

bool read_byte_size(const Node& node, ByteSize& out, const Limits& limits, ParsePass& pass) {
  const std::string wanted = "a size in bytes" + range_text(limits, &byte_limit);
  ByteSize value;
  if (node.kind() == Kind::kInteger && node.integer() >= 0) {
    value.bytes = static_cast<uint64_t>(node.integer());
  } else if (node.kind() == Kind::kString) {
    Result<ByteSize> parsed = parse_byte_size(node.text());
    if (!parsed.ok()) {
      pass.problems.error(
          node,
          fmt::format("wants a size in bytes, found {}: {}", shown(node), parsed.error().message()),
          "write it like 64KiB, 4MiB or 65536");
      return false;
    }
    value = *parsed;
  } else {
    return wrong(node, wanted, pass, "write it like 64KiB, 4MiB or 65536");
  }
  if (!in_range(Int128{value.bytes}, limits)) return wrong(node, wanted, pass);
  out = value;
  return true;
}

bool read_name(const Node& node, size_t& out, std::span<const std::string_view> names,
               ParsePass& pass) {
  const bool scalar = node.is_scalar() && !node.is_null();
  for (size_t i = 0; scalar && i < names.size(); ++i) {
    if (node.text() == names[i] ||
        (pass.lenient() && base::equal_but_case(node.text(), names[i]))) {
      out = i;
      return true;
    }
  }
  return wrong(node, or_list(names), pass,
               scalar && !node.from_reference() ? did_you_mean(node.text(), names) : "");
}

namespace {

bool check_count(const Node& node, size_t count, const Limits& limits, ParsePass& pass) {
  if (limits.non_empty && count == 0) {
    pass.problems.error(node, "must not be empty", "write at least one item");
    return false;
  }
  if (limits.items_max && count > *limits.items_max) {
    pass.problems.error(node,
                        fmt::format("has {} items, the limit is {}", count, *limits.items_max),
                        "remove some");
    return false;
  }
  return true;
}

}  // namespace

bool check_list(const Node& node, const Limits& limits, ParsePass& pass) {
  if (!node.is_sequence() && !node.is_null()) {
    return wrong(node, "a list", pass, "write it as [a, b], or with - before each item");
  }
  return check_count(node, node.children().size(), limits, pass);
}

bool check_map(const Node& node, const Limits& limits, ParsePass& pass) {
  if (!node.is_mapping() && !node.is_null()) {
    return wrong(node, "a mapping", pass, "write one `name: value` a line below it");
  }
  return check_count(node, node.children().size(), limits, pass);
}

bool is_separated_list(const Node& node, const Limits& limits, const ParsePass& pass) {
  return limits.separator != 0 && is_loose_text(node, pass);
}

bool read_separated(const Node& node, std::vector<std::string>& out, const Limits& limits,
                    ParsePass& pass) {
  std::vector<std::string> items;
  std::string_view rest = node.text();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(limits.separator), rest.size());
    std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t first = item.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
    if (!limits.one_of.empty() && !is_one_of(item, limits.one_of)) {
      pass.problems.error(
          node, fmt::format("wants items of {}, found {}", or_list(limits.one_of), shown(node)));
      return false;
    }
    if (limits.length_max && item.size() > *limits.length_max) {
      pass.problems.error(node, fmt::format("an item has {} bytes, the limit is {}", item.size(),
                                            *limits.length_max));
      return false;
    }
    if (limits.format != nullptr && !limits.format(item).ok()) {
      pass.problems.error(
          node, fmt::format("wants items like {}, found {}", limits.format_name, shown(node)));
      return false;
    }
    items.emplace_back(item);
  }
  if (!check_count(node, items.size(), limits, pass)) return false;
  out = std::move(items);
  return true;
}

}  // namespace layotto::config
