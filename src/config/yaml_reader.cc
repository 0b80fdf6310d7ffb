#include "config/yaml_reader.h"

#include <algorithm>

namespace layotto::config {
namespace {

constexpr std::string_view kStringTag = "tag:yaml.org,2002:str";

Mark mark_of(const yaml_mark_t& mark) {
  return {.line = static_cast<uint32_t>(mark.line + 1),
          .column = static_cast<uint32_t>(mark.column + 1)};
}

std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

std::string_view scalar_text(const yaml_event_t& event) {
  const auto& scalar = event.data.scalar;
  return {reinterpret_cast<const char*>(scalar.value), scalar.length};
}

bool is_plain(const yaml_event_t& event) {
  return event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

// Line and column of a byte of the text: the reader's errors know only the byte.
Mark mark_at(std::string_view text, size_t offset) {
  Mark mark{.line = 1, .column = 1};
  for (const char c : text.substr(0, std::min(offset, text.size()))) {
    if (c == '\n') {
      ++mark.line;
      mark.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++mark.column;
    }
  }
  return mark;
}

}  // namespace

YamlReader::YamlReader(std::string_view text, TreeBuilder& builder, ReferenceSource* references)
    : text_(text), builder_(builder), references_(references) {
  CHECK(yaml_parser_initialize(&parser_) == 1, "out of memory");
  yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
}

YamlReader::~YamlReader() { yaml_parser_delete(&parser_); }

bool YamlReader::read() {
  for (;;) {
    yaml_event_t event;
    if (yaml_parser_parse(&parser_, &event) == 0) return syntax_error();
    const bool at_end = event.type == YAML_STREAM_END_EVENT;
    const bool good = on_event(event);
    yaml_event_delete(&event);
    if (!good) return false;
    if (at_end) return true;
  }
}

bool YamlReader::on_event(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      if (++documents_ > 1) {
        return builder_.fail(mark_of(event.start_mark), "a second document in one file",
                             "put it into a file of its own");
      }
      return true;
    case YAML_SCALAR_EVENT:
      return builder_.wants_key() ? on_key(event) : on_scalar(event);
    case YAML_ALIAS_EVENT:
      return on_alias(event);
    case YAML_SEQUENCE_START_EVENT:
      return on_begin(event, Kind::kSequence);
    case YAML_MAPPING_START_EVENT:
      return on_begin(event, Kind::kMapping);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      builder_.end();
      return true;
    default:
      return true;
  }
}

bool YamlReader::check_tag(std::string_view name, bool scalar, Mark mark) {
  if (name.empty() || (scalar && (name == "!" || name == kStringTag))) return true;
  return builder_.fail(mark, fmt::format("the tag {} has no meaning here", quote(name)),
                       "remove it");
}

void YamlReader::remember(const char* anchor) {
  if (anchor != nullptr) anchors_[anchor] = builder_.last();
}

bool YamlReader::on_key(const yaml_event_t& event) {
  const Mark mark = mark_of(event.start_mark);
  const std::string_view key = scalar_text(event);
  if (event.data.scalar.anchor != nullptr) {
    return builder_.fail(mark, "an anchor on a key", "put it on a value");
  }
  if (!check_tag(view(event.data.scalar.tag), true, mark)) return false;
  if (is_plain(event) && key == "<<") {
    return builder_.fail(mark, "merge keys (<<) are not part of YAML 1.2", "write the keys out");
  }
  if (is_plain(event) && key.empty()) {
    return builder_.fail(mark, "a value without a key", "write its name before the colon");
  }
  if (references_ != nullptr && has_references(key)) {
    return builder_.fail(mark, "references stand in values, not in keys", "write the key out");
  }
  return builder_.key(key, mark);
}

bool YamlReader::on_scalar(const yaml_event_t& event) {
  const Mark mark = mark_of(event.start_mark);
  const std::string_view tag = view(event.data.scalar.tag);
  if (!check_tag(tag, true, mark)) return false;
  const std::string_view text = scalar_text(event);
  const bool plain = is_plain(event) && tag.empty();
  Scalar scalar;
  if (references_ != nullptr && has_references(text)) {
    std::optional<ReferenceProblem> problem;
    scalar = expand_references(text, plain, *references_, problem);
    if (problem) builder_.fail(mark, std::move(problem->message), std::move(problem->remedy));
  } else {
    scalar = plain ? plain_scalar(text) : string_scalar(text);
    scalar.quoted = !plain;
  }
  if (!builder_.scalar(std::move(scalar), mark)) return false;
  remember(reinterpret_cast<const char*>(event.data.scalar.anchor));
  return true;
}

bool YamlReader::on_begin(const yaml_event_t& event, Kind kind) {
  const Mark mark = mark_of(event.start_mark);
  if (builder_.wants_key()) {
    return builder_.fail(mark, fmt::format("a key that is {}", kind_name(kind)),
                         "keys are single words; a value that begins with { or ${ needs quotes");
  }
  const bool sequence = kind == Kind::kSequence;
  const yaml_char_t* tag = sequence ? event.data.sequence_start.tag : event.data.mapping_start.tag;
  if (!check_tag(view(tag), false, mark)) return false;
  if (!builder_.begin(kind, mark)) return false;
  remember(reinterpret_cast<const char*>(sequence ? event.data.sequence_start.anchor
                                                  : event.data.mapping_start.anchor));
  return true;
}

bool YamlReader::on_alias(const yaml_event_t& event) {
  const Mark mark = mark_of(event.start_mark);
  const std::string name(view(event.data.alias.anchor));
  if (builder_.wants_key()) return builder_.fail(mark, "an alias as a key", "write the key out");
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return builder_.fail(
        mark, fmt::format("the alias {} has no anchor before it", quote(name)),
        fmt::format("write &{} at the value it stands for, or put it in quotes", name));
  }
  if (builder_.is_open(found->second)) {
    return builder_.fail(mark, fmt::format("the alias {} stands inside itself", quote(name)),
                         "write the value out");
  }
  return builder_.copy(*found->second);
}

std::string_view YamlReader::line_of(Mark mark) const {
  std::string_view rest = text_;
  for (uint32_t line = 1; line < mark.line; ++line) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  return rest.substr(0, rest.find('\n'));
}

bool YamlReader::syntax_error() {
  CHECK(parser_.error != YAML_MEMORY_ERROR, "out of memory");
  const std::string problem = parser_.problem == nullptr ? "not YAML" : parser_.problem;
  if (parser_.error == YAML_READER_ERROR) {
    return builder_.fail(mark_at(text_, parser_.problem_offset),
                         fmt::format("not readable as YAML: {}", problem),
                         "save the file as UTF-8 text without control characters");
  }
  const Mark mark = mark_of(parser_.problem_mark);
  std::string message = fmt::format("not valid YAML: {}", problem);
  if (parser_.context != nullptr) {
    message +=
        fmt::format(" ({} that begins on line {})", parser_.context, parser_.context_mark.line + 1);
  }
  const std::string_view line = line_of(mark);
  std::string remedy = "check indentation, colons and quotes here and on the line before";
  if (line.find("${") != std::string_view::npos) {
    remedy = "a ${reference} inside of [ ] or { } needs quotes around it";
  } else if (line.find('\t') != std::string_view::npos) {
    remedy = "indent with spaces: YAML allows no tabs there";
  } else if (problem == "mapping values are not allowed in this context") {
    remedy = "put a text with \": \" in it in quotes, or check the indentation";
  }
  return builder_.fail(mark, std::move(message), std::move(remedy));
}

}  // namespace layotto::config
