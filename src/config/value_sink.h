// ValueSink: takes a value piece by piece, to print it. Mappings are begin_mapping, then key and
// value in turn, then end.
#pragma once

#include <string_view>

#include "config/scalar.h"

namespace layotto::config {

class Node;

class ValueSink {
 public:
  virtual ~ValueSink() = default;
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void integer(Int128 value) = 0;
  virtual void number(double value) = 0;
  virtual void string(std::string_view value) = 0;
  // A value that must not be shown.
  virtual void masked() = 0;
  // A part of a document that no schema describes here.
  virtual void node(const Node& node) = 0;
  virtual void begin_list() = 0;
  virtual void begin_mapping() = 0;
  virtual void key(std::string_view name) = 0;
  virtual void end() = 0;
};

}  // namespace layotto::config
