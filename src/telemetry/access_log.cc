#include "telemetry/access_log.h"

#include <algorithm>
#include <charconv>

#include "telemetry/limits.h"

namespace layotto::telemetry {
namespace {

using base::invalid_argument;

// What stands for a missing value, or the quote after a value, goes beyond the value's limit.
constexpr size_t kReservedBytes = 4;

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

std::string joined(std::vector<std::string_view> names) {
  std::ranges::sort(names);
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

Error too_long() {
  return invalid_argument("an access log format has at most {} bytes", kAccessLogFormatBytesMax);
}

}  // namespace

// Literals collect in pending_ until the next operator takes them.
class AccessLogFormat::Compiler {
 public:
  Compiler(AttributeLookup& lookup, Escaping escaping) : lookup_(lookup) {
    format_.escaping_ = escaping;
  }

  // Structure of ours, as it is.
  void literal(std::string_view text) { pending_ += text; }
  // Text of the user's.
  Status text(std::string_view text, size_t at) {
    const auto* const control =
        std::ranges::find_if(text, [](char c) { return c >= 0 && c < ' ' && c != '\t'; });
    if (control != text.end()) {
      return invalid_argument(
          "access log format: a control character at position {}; a line is one line",
          at + static_cast<size_t>(control - text.begin()) + 1);
    }
    if (format_.escaping_ == Escaping::kText) {
      pending_ += text;
      return {};
    }
    std::string buffer(text.size() * kEscapeBytesMax + Line::kSlackBytes, '\0');
    TimeText unused;
    Line line(buffer.data(), buffer.size() - Line::kSlackBytes, unused);
    line.escape_as(Escaping::kJson);
    line.text(text);
    pending_ += line.view();
    return {};
  }

  // A JSON value: quoted, unless it is a single operator, which brings its own quotes or none.
  Status json_value(std::string_view format) {
    const bool is_operator = format.starts_with('%') && !format.starts_with("%%");
    if (is_operator) {
      TRY(const Parsed parsed, parse(format, 0));
      if (parsed.end == format.size()) {
        TRY(const Attribute attribute, find(parsed, 0));
        if (!attribute.is_number) literal("\"");
        return add_operator(parsed, attribute,
                            attribute.is_number ? Form::kJsonNumber : Form::kJsonString);
      }
    }
    literal("\"");
    TRY(add(format));
    literal("\"");
    return {};
  }

  Status add(std::string_view format) {
    for (size_t at = 0; at < format.size();) {
      if (format[at] != '%') {
        const size_t end = std::min(format.find('%', at), format.size());
        TRY(text(format.substr(at, end - at), at));
        at = end;
      } else if (format.substr(at).starts_with("%%")) {
        TRY(text("%", at));
        at += 2;
      } else {
        TRY(const Parsed parsed, parse(format, at));
        TRY(const Attribute attribute, find(parsed, at));
        TRY(add_operator(parsed, attribute, Form::kText));
        at = parsed.end;
      }
    }
    return {};
  }

  Result<AccessLogFormat> finish() {
    size_t literals = pending_.size();
    for (const Operator& each : format_.operators_) literals += each.literal_size;
    if (literals > kAccessLogFormatBytesMax) return too_long();
    static_assert(kAccessLogFormatBytesMax +
                      kAccessLogOperatorsMax * (kAccessLogValueBytesMin + kReservedBytes) <
                  kLineBytesMax);
    size_t after = pending_.size();
    for (auto each = format_.operators_.rbegin(); each != format_.operators_.rend(); ++each) {
      after += kReservedBytes;
      each->end = static_cast<uint16_t>(kLineBytesMax - 1 - after);
      after += kAccessLogValueBytesMin + each->literal_size;
    }

    const size_t bytes = texts_.size() + pending_.size() + Line::kSlackBytes;
    format_.texts_ = std::make_unique<char[]>(bytes);
    char* at = format_.texts_.get();
    std::ranges::copy(texts_ + pending_, at);
    for (Operator& each : format_.operators_) {
      each.literal = at;
      each.argument = at + each.literal_size;
      at += each.literal_size + each.argument_size;
    }
    format_.last_literal_ = {at, pending_.size()};
    find_runs();
    return std::move(format_);
  }

 private:
  static Run run_of(const Operator& each) {
    return each.of_head ? Run::kOfHead : each.is_short ? Run::kShort : Run::kNone;
  }
  void find_runs() {
    std::vector<Operator>& all = format_.operators_;
    uint8_t of_head = 0;
    for (size_t i = 0; i < all.size();) {
      Operator& first = all[i];
      const Run run = run_of(first);
      size_t bytes = Line::kSlackBytes;
      size_t end = i;
      for (; end < all.size() && run_of(all[end]) == run; ++end) {
        bytes += all[end].literal_size + AttributeValues::kShortBytes + kReservedBytes;
      }
      if (run != Run::kOfHead || of_head < kRunsMax) {
        first.run = run;
        first.run_length = static_cast<uint8_t>(end - i);
        first.run_bytes = static_cast<uint16_t>(bytes);
        first.run_end = all[end - 1].end;
        if (run == Run::kOfHead) first.run_index = of_head++;
      }
      i = end;
    }
  }

  static constexpr size_t kEscapeBytesMax = 6;  // \u001f

  struct Parsed {
    std::string_view name;
    std::string_view argument;
    size_t bytes_max = 0;
    size_t end = 0;  // one past the closing percent sign
  };

  static Result<Parsed> parse(std::string_view text, size_t begin) {
    Parsed parsed;
    size_t at = begin + 1;
    while (at < text.size() && is_name_character(text[at])) ++at;
    parsed.name = text.substr(begin + 1, at - begin - 1);
    if (parsed.name.empty()) {
      return invalid_argument(
          "access log format: a percent sign at position {} does not begin an operator; write %% "
          "for the sign itself",
          begin + 1);
    }
    if (at < text.size() && text[at] == '(') {
      const size_t close = text.find(')', at);
      if (close == std::string_view::npos) {
        return invalid_argument("access log format: operator {} at position {} has no ')'",
                                parsed.name, begin + 1);
      }
      parsed.argument = text.substr(at + 1, close - at - 1);
      at = close + 1;
    }
    if (at < text.size() && text[at] == ':') {
      const char* const last = text.data() + text.size();
      const auto [end, error] = std::from_chars(text.data() + at + 1, last, parsed.bytes_max);
      if (error != std::errc() || parsed.bytes_max == 0) {
        return invalid_argument(
            "access log format: operator {} at position {}: a positive number follows the colon",
            parsed.name, begin + 1);
      }
      at = static_cast<size_t>(end - text.data());
    }
    if (at >= text.size() || text[at] != '%') {
      return invalid_argument(
          "access log format: operator {} at position {} does not end with a percent sign",
          parsed.name, begin + 1);
    }
    parsed.end = at + 1;
    return parsed;
  }

  Result<Attribute> find(const Parsed& parsed, size_t at) {
    auto found = lookup_.find(parsed.name, parsed.argument);
    if (!found.ok()) {
      return invalid_argument("access log format: operator {} at position {}: {}", parsed.name,
                              at + 1, found.error().message());
    }
    if (const std::optional<Attribute>& attribute = *found; attribute.has_value()) {
      return *attribute;
    }
    return invalid_argument("access log format: unknown operator {} at position {}; known are {}",
                            parsed.name, at + 1, joined(lookup_.names()));
  }

  Status add_operator(const Parsed& parsed, const Attribute& attribute, Form form) {
    if (format_.operators_.size() == kAccessLogOperatorsMax) {
      return invalid_argument("an access log format has at most {} operators",
                              kAccessLogOperatorsMax);
    }
    const Operator added{
        .id = attribute.id,
        .literal_size = static_cast<uint16_t>(pending_.size()),
        .argument_size = static_cast<uint16_t>(parsed.argument.size()),
        .bytes_max = static_cast<uint16_t>(std::min(parsed.bytes_max, kLineBytesMax)),
        .form = form,
        .of_head = attribute.of_head,
        .is_short = attribute.is_short && parsed.bytes_max == 0};
    texts_.append(pending_);
    for (const char c : parsed.argument) {
      const bool lower = attribute.argument_in_lower_case && c >= 'A' && c <= 'Z';
      texts_.push_back(lower ? static_cast<char>(c - 'A' + 'a') : c);
    }
    pending_.clear();
    format_.operators_.push_back(added);
    return {};
  }

  AttributeLookup& lookup_;
  AccessLogFormat format_;
  std::string texts_;  // literals and arguments in the order of the operators
  std::string pending_;
};

Result<AccessLogFormat> AccessLogFormat::compile(std::string_view text, AttributeLookup& lookup) {
  if (text.size() > kAccessLogFormatBytesMax) return too_long();
  if (text.ends_with('\n')) text.remove_suffix(1);
  Compiler compiler(lookup, Escaping::kText);
  TRY(compiler.add(text));
  return compiler.finish();
}

Result<AccessLogFormat> AccessLogFormat::compile_json(std::span<const JsonMember> members,
                                                      AttributeLookup& lookup) {
  size_t bytes = 0;
  for (const JsonMember& member : members) bytes += member.key.size() + member.format.size();
  if (bytes > kAccessLogFormatBytesMax) return too_long();
  Compiler compiler(lookup, Escaping::kJson);
  compiler.literal("{");
  for (const JsonMember& member : members) {
    compiler.literal(&member == members.data() ? "\"" : ",\"");
    TRY(compiler.text(member.key, 0));
    compiler.literal("\":");
    if (Status added = compiler.json_value(member.format); !added.ok()) {
      std::string where = fmt::format("member '{}': {}", member.key, added.error().message());
      return std::move(added).error().reworded(std::move(where));
    }
  }
  compiler.literal("}");
  return compiler.finish();
}

const AccessLogFormat::Remembered* AccessLogFormat::remember(AttributeValues& values,
                                                             base::Arena& arena) const {
  auto* const remembered = arena.make<Remembered>();
  std::array<char, kLineBytesMax + Line::kSlackBytes> buffer;
  TimeText unused;
  for (const Operator& first : operators_) {
    if (first.run != Run::kOfHead) continue;
    Line line(buffer.data(), kLineBytesMax - 1, unused);
    line.escape_as(escaping_);
    for (const Operator& each : std::span(&first, first.run_length)) {
      if (escaping_ == Escaping::kText) {
        append_one<Escaping::kText>(each, line, values);
      } else {
        append_one<Escaping::kJson>(each, line, values);
      }
    }
    // What had to be cut depends on where in the line it stands.
    if (line.cut()) continue;
    const std::span<char> text = arena.array<char>(line.size() + Line::kSlackBytes);
    std::memcpy(text.data(), buffer.data(), line.size());
    remembered->runs[first.run_index] = {text.data(), line.size()};
  }
  return remembered;
}

void AccessLogFormat::append_limited(const Operator& each, AttributeValues& values, Line& line) {
  const bool cut_before = line.cut_;
  line.limit_to(std::min<size_t>(each.end, line.size() + each.bytes_max));
  values.append(each.id, {each.argument, each.argument_size}, line);
  line.cut_ = cut_before;  // being cut was asked for
}

}  // namespace layotto::telemetry
