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
// Most of a line is the same for all requests a client repeats: its method, path, addresses. Such
// values (Attribute::of_head) may be rendered once and remembered where the head is, see
// remember().
//
// A value that appends nothing is missing: `-` in text, null in JSON. Everything appended with
// Line::text is escaped for the format at hand. Lines keep to kLineBytesMax: literals and keys are
// always there, values are cut, a JSON line stays valid JSON.
//
// Thread rules: a compiled format is immutable and may be used by any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
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
  // Depends on the request's head and its connection only.
  bool of_head = false;
  // At most kShortBytes of printable ASCII without quotes: asked for with append_short().
  bool is_short = false;
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
  // The same for a short one, at `to`, which has room; returns one past it.
  static constexpr size_t kShortBytes = 32;
  virtual char* append_short(int32_t /*id*/, char* to, TimeText& /*times*/) { return to; }

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
  // Runs of operators whose values are of the head; more than this are not remembered.
  static constexpr size_t kRunsMax = 4;
  // The texts of a format's runs for requests with one head. Empty: to be rendered each time.
  struct Remembered {
    std::array<std::string_view, kRunsMax> runs;
  };

  // The text of one line; a newline at its end is allowed and means nothing, others are refused.
  // Errors name the operator and its place in the text, counted from 1.
  static Result<AccessLogFormat> compile(std::string_view text, AttributeLookup& lookup);
  static Result<AccessLogFormat> compile_json(std::span<const JsonMember> members,
                                              AttributeLookup& lookup);

  // Values is AttributeValues or, to spare the virtual calls, a final class that implements it.
  // `remembered` (may be null) is of this format and of a request with the same head.
  template <class Values>
  void write(Values& values, LineWriter& writer, const Remembered* remembered = nullptr) const {
    Line line = writer.begin();
    append_to(line, values, remembered);
    writer.commit(line);
  }
  // The same into a line of the caller's: an empty one with room for kLineBytesMax - 1 bytes.
  template <class Values>
  void append_to(Line& line, Values& values, const Remembered* remembered = nullptr) const {
    line.escape_as(escaping_);
    if (escaping_ == Escaping::kText) {
      append_all<Escaping::kText>(line, values, remembered);
    } else {
      append_all<Escaping::kJson>(line, values, remembered);
    }
  }

  // Renders what is of the head into the arena, which outlives the result.
  const Remembered* remember(AttributeValues& values, base::Arena& arena) const;

 private:
  class Compiler;
  enum class Form : uint8_t {
    kText,        // the value or -
    kJsonString,  // the value and a quote, or null in place of the quote before it
    kJsonNumber,  // the value or null
  };
  // Consecutive operators that are written together.
  enum class Run : uint8_t { kNone, kOfHead, kShort };
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
    bool of_head;
    bool is_short;  // and has no limit of its own
    // Of the first operator of a run.
    Run run = Run::kNone;
    uint8_t run_length = 1;  // operators
    uint8_t run_index = 0;   // kOfHead: in Remembered
    uint16_t run_bytes = 0;  // kShort: at most
    uint16_t run_end = 0;    // `end` of its last operator
  };

  AccessLogFormat() = default;
  template <Escaping kEscaping, class Values>
  void append_all(Line& line, Values& values, const Remembered* remembered) const;
  template <Escaping kEscaping, class Values>
  static void append_one(const Operator& each, Line& line, Values& values);
  template <Escaping kEscaping, class Values>
  static char* append_shorts(std::span<const Operator> run, char* to, TimeText& times,
                             Values& values);
  static void append_limited(const Operator& each, AttributeValues& values, Line& line);

  Escaping escaping_ = Escaping::kText;
  std::unique_ptr<char[]> texts_;  // Line::kSlackBytes longer than its last literal
  std::vector<Operator> operators_;
  std::string_view last_literal_;
};

// Literals and what stands for a missing value go beyond the limit: room is kept for them.
template <Escaping kEscaping, class Values>
[[gnu::always_inline]] inline void AccessLogFormat::append_one(const Operator& each, Line& line,
                                                               Values& values) {
  line.literal(each.literal, each.literal_size);
  line.limit_to(each.end);
  const char* const before = line.at_;
  if (each.bytes_max != 0) [[unlikely]] {
    append_limited(each, values, line);
  } else {
    values.append(each.id, {each.argument, each.argument_size}, line);
  }
  if (line.at_ != before) [[likely]] {
    if (kEscaping == Escaping::kJson && each.form == Form::kJsonString) *line.at_++ = '"';
  } else if (kEscaping == Escaping::kText || each.form == Form::kText) {
    *line.at_++ = '-';
  } else {
    if (each.form == Form::kJsonString) --line.at_;  // the opening quote
    std::memcpy(line.at_, "null", 4);
    line.at_ += 4;
  }
}

template <Escaping kEscaping, class Values>
[[gnu::always_inline]] inline char* AccessLogFormat::append_shorts(std::span<const Operator> run,
                                                                   char* to, TimeText& times,
                                                                   Values& values) {
  for (const Operator& each : run) {
    to = Line::put_literal(to, each.literal, each.literal_size);
    char* const before = to;
    to = values.append_short(each.id, to, times);
    if (to != before) [[likely]] {
      if (kEscaping == Escaping::kJson && each.form == Form::kJsonString) *to++ = '"';
    } else if (kEscaping == Escaping::kText || each.form == Form::kText) {
      *to++ = '-';
    } else {
      if (each.form == Form::kJsonString) --to;  // the opening quote
      std::memcpy(to, "null", 4);
      to += 4;
    }
  }
  return to;
}

template <Escaping kEscaping, class Values>
inline void AccessLogFormat::append_all(Line& line, Values& values,
                                        const Remembered* remembered) const {
  const Operator* const end = operators_.data() + operators_.size();
  for (const Operator* each = operators_.data(); each != end;) {
    if (each->run == Run::kShort && line.size() + each->run_bytes <= each->run_end) {
      line.at_ = append_shorts<kEscaping>({each, each->run_length}, line.at_, line.times_, values);
      each += each->run_length;
      continue;
    }
    if (each->run == Run::kOfHead && remembered != nullptr) {
      const std::string_view text = remembered->runs[each->run_index];
      if (!text.empty() && line.size() + text.size() <= each->run_end) [[likely]] {
        line.literal(text.data(), text.size());
        each += each->run_length;
        continue;
      }
    }
    append_one<kEscaping>(*each, line, values);
    ++each;
  }
  line.literal(last_literal_.data(), last_literal_.size());
}

}  // namespace layotto::telemetry
