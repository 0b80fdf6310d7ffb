#include "config/node.h"

#include <algorithm>

#include "config/limits.h"

namespace layotto::config {
namespace {

bool is_plain_name(std::string_view key) {
  return !key.empty() && key.size() <= kQuotedBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '/';
         });
}

}  // namespace

std::string path_with_key(std::string path, std::string_view key) {
  if (!is_plain_name(key)) return path + "[" + quote(key) + "]";
  if (!path.empty()) path += '.';
  return path.append(key);
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kBool:
      return "a boolean";
    case Kind::kInteger:
      return "an integer";
    case Kind::kFloat:
      return "a number";
    case Kind::kString:
      return "a string";
    case Kind::kSequence:
      return "a list";
    case Kind::kMapping:
      return "a mapping";
  }
  return "nothing";
}

std::string_view Node::file() const {
  return file_ == nullptr ? std::string_view{} : std::string_view{*file_};
}

std::string Node::path() const {
  std::vector<const Node*> steps;
  for (const Node* at = this; at->parent_ != nullptr; at = at->parent_) steps.push_back(at);
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if ((*step)->parent_->is_sequence()) {
      path += fmt::format("[{}]", (*step)->index_);
    } else {
      path = path_with_key(std::move(path), (*step)->key_);
    }
  }
  return path;
}

bool Node::boolean() const {
  CHECK(kind() == Kind::kBool, "boolean() of another kind of node");
  return value_.boolean;
}

Int128 Node::integer() const {
  CHECK(kind() == Kind::kInteger, "integer() of another kind of node");
  return value_.integer;
}

double Node::number() const {
  CHECK(kind() == Kind::kFloat, "number() of another kind of node");
  return value_.number;
}

const Node* Node::find(std::string_view key) const {
  if (!is_mapping()) return nullptr;
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [key](const Node* child) { return child->key_ == key; });
  return found == children_.end() ? nullptr : *found;
}

std::string Node::describe() const {
  std::string name(kind_name(kind()));
  if (is_null() || !is_scalar()) return name;
  if (from_reference()) return name + " (from a reference, not shown)";
  switch (kind()) {
    case Kind::kString:
      return name + " " + quote(text());
    case Kind::kBool:
      return fmt::format("the boolean {}", text());
    case Kind::kInteger:
      return fmt::format("the integer {}", text());
    default:
      return fmt::format("the number {}", text().substr(0, 40));
  }
}

}  // namespace layotto::config
