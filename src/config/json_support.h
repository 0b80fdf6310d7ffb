// Boost.JSON for this room: its header, and the values of settings as JSON. Boost throws when
// memory runs out or a value has another kind than asked for; built without exceptions it calls
// boost::throw_exception, which is defined in json_support.cc for the whole program and aborts.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "config/value_sink.h"

namespace layotto::config {

// Makes a JSON value of what it is shown. Masked values and nodes become null.
class JsonSink final : public ValueSink {
 public:
  void null() override { put(nullptr); }
  void boolean(bool value) override { put(value); }
  void integer(Int128 value) override;
  void number(double value) override { put(value); }
  void string(std::string_view value) override {
    put(boost::json::string(value.data(), value.size()));
  }
  void masked() override { put(nullptr); }
  void node(const Node&) override { put(nullptr); }
  void begin_list() override { open_.push_back({boost::json::array(), {}}); }
  void begin_mapping() override { open_.push_back({boost::json::object(), {}}); }
  void key(std::string_view name) override { open_.back().key = name; }
  void end() override;

  // After the whole value.
  [[nodiscard]] boost::json::value take() { return std::move(root_); }

 private:
  struct Open {
    boost::json::value value;
    std::string key;
  };
  void put(boost::json::value value);

  boost::json::value root_;
  std::vector<Open> open_;
};

// With two spaces a level and a line end at the end. Numbers are finite.
std::string pretty_json(const boost::json::value& value);

}  // namespace layotto::config
