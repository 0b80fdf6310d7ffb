// YamlReader: libyaml's events into a TreeBuilder. See config/document.h for what is refused.
#pragma once

#include <yaml.h>

#include <string>
#include <string_view>
#include <unordered_map>

#include "config/references.h"
#include "config/tree_builder.h"

namespace layotto::config {

class YamlReader {
 public:
  // `text` outlives the reader. `references` may be null: nothing is expanded.
  YamlReader(std::string_view text, TreeBuilder& builder, ReferenceSource* references);
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;
  ~YamlReader();

  // False: a problem was added, there is no document.
  bool read();

 private:
  bool on_event(const yaml_event_t& event);
  bool on_scalar(const yaml_event_t& event);
  bool on_begin(const yaml_event_t& event, Kind kind);
  bool on_alias(const yaml_event_t& event);
  bool on_key(const yaml_event_t& event);
  bool check_tag(std::string_view name, bool scalar, Mark mark);
  void remember(const char* anchor);
  bool syntax_error();
  [[nodiscard]] std::string_view line_of(Mark mark) const;

  std::string_view text_;
  TreeBuilder& builder_;
  ReferenceSource* references_;
  yaml_parser_t parser_;
  std::unordered_map<std::string, const Node*> anchors_;
  size_t documents_ = 0;
};

}  // namespace layotto::config
