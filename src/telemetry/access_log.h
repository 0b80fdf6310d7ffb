// The access log: one line per request, in a format users write.
//
//   [%START_TIME%] "%REQ(:METHOD)% %REQ(:PATH):64%" %RESPONSE_CODE% %DURATION%\n
//
// A format is compiled once, when configuration is loaded, into a list of literals and attributes;
// writing a line walks the list and appends in place: no allocation, no parsing. Operators are
// %NAME%, %NAME(argument)% and either with :N, which cuts the value after N bytes; %% is a percent
// sign. This room knows no operator: an AttributeLookup says at compile time which there are, an
// AttributeValues appends their values for one request.
//
//   TRY(auto format, AccessLogFormat::compile(text, lookup));
//   format.write(values_of_this_request, writer);          // line_writer.h
//
// A value that appends nothing is missing: `-` in text, null in JSON. Everything appended with
// Line::text is escaped for the format at hand. Lines keep to kLineBytesMax: literals and keys are
// always there, values are cut, a JSON line stays valid JSON.
//
// Thread rules: a compiled format is immutable and may be used by any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "telemetry/line.h"
#include "telemetry/line_writer.h"

namespace layotto::telemetry {

// What an operator stands for. `id` is the caller's: a lookup may give each (name, argument) one.
struct Attribute {
  int32_t id = 0;
  // The value is appended with Line::integer, number or milliseconds and is a number in JSON.
  bool is_number = false;
  // The argument is a name whose case does not matter: values are asked for it in lower case.
  bool argument_in_lower_case = false;
};

class AttributeLookup {
 public:
  // nullopt: there is no such operator. An Error: its argument does not fit, and why.
  virtual Result<std::optional<Attribute>> find(std::string_view name,
                                                std::string_view argument) = 0;
  // For the error message about an unknown one.
  [[nodiscard]] virtual std::vector<std::string_view> names() const = 0;

 protected:
  ~AttributeLookup() = default;
};

class AttributeValues {
 public:
  // Appends the value of the attribute to the line, or nothing when it is missing.
  virtual void append(int32_t id, std::string_view argument, Line& out) = 0;

 protected:
  ~AttributeValues() = default;
};

// One member of a JSON line: `format` as in the text form. A value that is a single operator is a
// string, a number or null; one mixed with text is a string.
struct JsonMember {
  std::string_view key;
  std::string_view format;
};

class AccessLogFormat {
 public:
  // The text of one line; a newline at its end is allowed and means nothing, others are refused.
  // Errors name the operator and its place in the text, counted from 1.
  static Result<AccessLogFormat> compile(std::string_view text, AttributeLookup& lookup);
  static Result<AccessLogFormat> compile_json(std::span<const JsonMember> members,
                                              AttributeLookup& lookup);

  void write(AttributeValues& values, LineWriter& writer) const {
    Line line = writer.begin();
    append_to(line, values);
    writer.commit(line);
  }
  // The same into a line of the caller's: an empty one with room for kLineBytesMax - 1 bytes.
  void append_to(Line& line, AttributeValues& values) const;

 private:
  class Compiler;
  enum class Form : uint8_t {
    kText,        // the value or -
    kJsonString,  // the value and a quote, or null in place of the quote before it
    kJsonNumber,  // the value or null
  };
  // A literal, then a value. The texts are in texts_.
  struct Operator {
    const char* literal;
    const char* argument;
    int32_t id;
    uint16_t literal_size;
    uint16_t argument_size;
    uint16_t bytes_max;  // of the value; 0 = no limit of its own
    uint16_t end;        // of the line after the value, so that the rest has room
    Form form;
  };

  AccessLogFormat() = default;
  template <Escaping kEscaping>
  void append_all(Line& line, AttributeValues& values) const;
  void append_limited(const Operator& each, AttributeValues& values, Line& line) const;

  Escaping escaping_ = Escaping::kText;
  std::unique_ptr<char[]> texts_;  // Line::kSlackBytes longer than its last literal
  std::vector<Operator> operators_;
  std::string_view last_literal_;
};

}  // namespace layotto::telemetry
