#include "config/show_node.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace layotto::config {
namespace {

// Parts of names whose values are not shown where no schema describes them, without `_` and `-`.
constexpr std::array<std::string_view, 12> kSecretNames = {
    "password", "passwd",    "passphrase", "pwd",        "secret",           "token",
    "apikey",   "accesskey", "privatekey", "credential", "connectionstring", "dsn"};

bool sounds_secret(std::string_view key) {
  std::string letters;
  for (const char c : key) {
    if (c == '_' || c == '-') continue;
    letters += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  }
  return std::any_of(kSecretNames.begin(), kSecretNames.end(), [&](std::string_view name) {
    return letters.find(name) != std::string::npos;
  });
}

// "redis://user:password@host", "user:password@tcp(host)/name".
bool has_password(std::string_view text) {
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find('/'));
  const size_t at = text.rfind('@');
  return at != std::string_view::npos && text.substr(0, at).find(':') != std::string_view::npos;
}

// What is known about a node: nothing, its type, or the schema of a whole document.
struct Known {
  const TypeDescription* type = nullptr;
  const AnySchema* schema = nullptr;

  static Known of(const TypeDescription* type) {
    if (type == nullptr || type->type == Type::kAny) return {};
    return {.type = type, .schema = type->schema == nullptr ? nullptr : &type->schema()};
  }
  [[nodiscard]] bool anything() const { return type != nullptr || schema != nullptr; }
  [[nodiscard]] Known item() const { return of(type == nullptr ? nullptr : type->item.get()); }
  [[nodiscard]] Known member(std::string_view name) const {
    if (schema == nullptr) return item();
    const AnyField* field = schema->find_any_case(name);
    return field == nullptr ? Known{} : of(&field->description().type);
  }
};

// `secret_name`: the node, or the list it is in, has a name that sounds like a secret.
void show(const Node& node, const Known& known, bool secret_name, ValueSink& sink) {
  const bool is_secret = known.type != nullptr && known.type->type == Type::kSecret;
  if (node.is_mapping()) {
    sink.begin_mapping();
    for (const Node* child : node.children()) {
      sink.key(child->key());
      show(*child, known.member(child->key()), sounds_secret(child->key()), sink);
    }
    return sink.end();
  }
  if (node.is_sequence()) {
    sink.begin_list();
    for (const Node* child : node.children()) show(*child, known.item(), secret_name, sink);
    return sink.end();
  }
  const bool guess = !known.anything() && (secret_name || has_password(node.text()));
  if (node.from_reference() || node.broken() || (!node.is_null() && (is_secret || guess))) {
    return sink.masked();
  }
  switch (node.kind()) {
    case Kind::kBool:
      return sink.boolean(node.boolean());
    case Kind::kInteger:
      return sink.integer(node.integer());
    case Kind::kFloat:
      return sink.number(node.number());
    case Kind::kString:
      return sink.string(node.text());
    default:
      return sink.null();
  }
}

}  // namespace

void show_node(const Node& node, const AnySchema* schema, ValueSink& sink) {
  show(node, {.schema = schema}, sounds_secret(node.key()), sink);
}

}  // namespace layotto::config
