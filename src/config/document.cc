#include "config/document.h"

#include "config/json_reader.h"
#include "config/limits.h"
#include "config/tree_builder.h"
#include "config/yaml_reader.h"

namespace layotto::config {
namespace {

bool fits(std::string_view text, std::string_view file, Problems& problems) {
  if (text.size() <= kDocumentBytesMax) return true;
  problems.add({.file = std::string(file),
                .message = fmt::format("the file has {} bytes, the limit is {}", text.size(),
                                       kDocumentBytesMax),
                .remedy = "split it"});
  return false;
}

}  // namespace

Document::Document(std::unique_ptr<const Tree> tree) : tree_(std::move(tree)) {
  CHECK(tree_ != nullptr && !tree_->nodes.empty(), "a Document needs a root");
}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

const Node& Document::root() const { return tree_->nodes.front(); }
std::string_view Document::file() const { return tree_->file; }

std::optional<Document> read_yaml(std::string_view text, std::string_view file, Problems& problems,
                                  ReferenceSource* references) {
  if (!fits(text, file, problems)) return std::nullopt;
  TreeBuilder builder(file, problems);
  YamlReader reader(text, builder, references);
  if (!reader.read()) return std::nullopt;
  return Document(builder.take());
}

std::optional<Document> read_json(std::string_view text, std::string_view file,
                                  Problems& problems) {
  if (!fits(text, file, problems)) return std::nullopt;
  TreeBuilder builder(file, problems);
  JsonReader reader(text, builder);
  if (!reader.read()) return std::nullopt;
  return Document(builder.take());
}

}  // namespace layotto::config
