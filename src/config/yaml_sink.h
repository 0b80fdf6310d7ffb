// YamlSink: writes what it is shown as YAML in block style, two spaces a level, strings quoted
// where another reader could take them for something else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/value_sink.h"

namespace layotto::config {

class YamlSink final : public ValueSink {
 public:
  void null() override { put("null"); }
  void boolean(bool value) override { put(value ? "true" : "false"); }
  void integer(Int128 value) override { put(integer_text(value)); }
  void number(double value) override;
  void string(std::string_view value) override;
  void masked() override { put("\"***\""); }
  // Masks what came from references and what sounds like a secret.
  void node(const Node& node) override;
  void begin_list() override { begin(true); }
  void begin_mapping() override { begin(false); }
  void key(std::string_view name) override;
  void end() override;

  // After the whole value; ends with a line end.
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  // A list or mapping whose end has not come.
  struct Open {
    bool list;
    size_t indent;
    bool on_line;  // its first item goes where the cursor is, not on a line of its own
    bool empty = true;
  };
  void begin(bool list);
  void lead();
  void before_value();
  void put(std::string_view text);

  std::string out_;
  std::vector<Open> open_;
};

// A string as YAML: plain where that is safe, else in double quotes.
std::string yaml_string(std::string_view text);

}  // namespace layotto::config
