// Any bytes as YAML and as JSON: read, parsed against a schema both ways, printed. What was printed
// from a document reads back as the same document.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/document.h"
#include "config/example_settings.h"
#include "config/print.h"
#include "config/references.h"

namespace layotto::config {
namespace {

// Answers everything without reading anything; every third letter of a name decides how.
class FixedSource final : public ReferenceSource {
 public:
  Result<std::optional<std::string>> env(std::string_view name) override {
    if (name.size() % 3 == 0) return std::optional<std::string>();
    return std::optional<std::string>(name.size() % 3 == 1 ? "12" : "text ${A}");
  }
  Result<std::string> file(std::string_view path) override {
    if (path.size() % 2 == 0) return base::not_found("no such file");
    return std::string("true\n");
  }
};

bool has_mask(const Node& node) {
  if (node.from_reference() || node.broken()) return true;
  for (const Node* child : node.children()) {
    if (has_mask(*child)) return true;
  }
  return false;
}

bool same(const Node& a, const Node& b) {
  if (a.kind() != b.kind()) return b.text() == "***";
  if (a.children().size() != b.children().size()) return false;
  for (size_t i = 0; i < a.children().size(); ++i) {
    const Node& x = *a.children()[i];
    const Node& y = *b.children()[i];
    if (x.key() != y.key() || !same(x, y)) return false;
  }
  switch (a.kind()) {
    case Kind::kBool:
      return a.boolean() == b.boolean();
    case Kind::kInteger:
      return a.integer() == b.integer();
    case Kind::kFloat:
      return a.number() == b.number() || (a.number() != a.number() && b.number() != b.number());
    case Kind::kString:
      return a.text() == b.text() || b.text() == "***";
    default:
      return true;
  }
}

void check_round_trip(const Node& node) {
  const std::string printed = print_node(node);
  if (has_mask(node)) return;
  Problems problems;
  const auto again = read_yaml(printed, "printed", problems);
  if (!again || problems.has_errors() || !same(node, again->root())) {
    fprintf(stderr, "printed:\n%s\nproblems:\n%s\n", printed.c_str(), problems.to_string().c_str());
    std::abort();
  }
}

void parse(const Node& root, Strictness strictness) {
  Problems problems;
  ParsePass pass{problems, strictness};
  Example settings;
  const bool good = Example::schema().parse(root, settings, pass);
  if (good && problems.has_errors()) std::abort();
  static_cast<void>(problems.to_string());
  if (good) static_cast<void>(print_settings(Example::schema(), settings, &root));
}

void use(const std::optional<Document>& document, const Problems& problems) {
  static_cast<void>(problems.to_string());
  if (!document) {
    if (!problems.has_errors()) std::abort();
    return;
  }
  parse(document->root(), Strictness::kStrict);
  parse(document->root(), Strictness::kLenient);
  static_cast<void>(print_node(document->root(), &Example::schema()));
  check_round_trip(document->root());
}

}  // namespace
}  // namespace layotto::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace layotto::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FixedSource source;
  Problems of_yaml;
  use(read_yaml(text, "fuzz.yaml", of_yaml, &source), of_yaml);
  Problems of_json;
  use(read_json(text, "fuzz.json", of_json), of_json);
  return 0;
}
