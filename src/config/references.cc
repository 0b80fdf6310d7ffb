#include "config/references.h"

#include <algorithm>

#include "config/limits.h"
#include "config/problem.h"

namespace layotto::config {
namespace {

constexpr std::string_view kFilePrefix = "file:";

struct Text {
  std::string text;
  bool from_outside = false;
};

bool is_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::optional<ReferenceProblem> check_text(std::string_view what, std::string_view text) {
  if (text.size() > kReferenceBytesMax) {
    return ReferenceProblem{
        fmt::format("{} has {} bytes, the limit is {}", what, text.size(), kReferenceBytesMax),
        "make it shorter"};
  }
  if (!is_utf8(text)) {
    return ReferenceProblem{fmt::format("{} is not UTF-8", what),
                            "encode it, for example as base64"};
  }
  return std::nullopt;
}

std::optional<ReferenceProblem> read_file(std::string_view path, ReferenceSource& source,
                                          Text& out) {
  if (path.empty()) {
    return ReferenceProblem{"a file reference without a path", "write ${file:/path/to/file}"};
  }
  Result<std::string> content = source.file(path);
  if (!content.ok()) {
    return ReferenceProblem{
        fmt::format("cannot read the file {}: {}", quote(path), content.error().message()),
        "create it, or correct the path"};
  }
  if (auto problem = check_text(fmt::format("the file {}", quote(path)), *content)) {
    return problem;
  }
  out = {.text = *std::move(content), .from_outside = true};
  if (out.text.ends_with('\n')) out.text.pop_back();
  if (out.text.ends_with('\r')) out.text.pop_back();
  return std::nullopt;
}

// `inside` is what stands between the braces.
std::optional<ReferenceProblem> resolve(std::string_view inside, ReferenceSource& source,
                                        Text& out) {
  if (inside.find("${") != std::string_view::npos) {
    return ReferenceProblem{"references do not nest", "use one reference with a plain default"};
  }
  if (inside.starts_with(kFilePrefix)) {
    return read_file(inside.substr(kFilePrefix.size()), source, out);
  }
  const size_t colon = inside.find(":-");
  const std::string_view name = inside.substr(0, colon);
  if (!is_name(name)) {
    return ReferenceProblem{quote(fmt::format("${{{}}}", inside)) + " is no reference",
                            "write ${NAME}, ${NAME:-default} or ${file:/path}, or $${ for a "
                            "literal ${"};
  }
  Result<std::optional<std::string>> value = source.env(name);
  if (!value.ok()) {
    return ReferenceProblem{
        fmt::format("cannot read the environment variable {}: {}", name, value.error().message()),
        {}};
  }
  std::optional<std::string> text = *std::move(value);
  if (text && colon != std::string_view::npos && text->empty()) text.reset();
  if (text) {
    if (auto problem = check_text(fmt::format("the environment variable {}", name), *text)) {
      return problem;
    }
    out = {.text = *std::move(text), .from_outside = true};
    return std::nullopt;
  }
  if (colon == std::string_view::npos) {
    return ReferenceProblem{fmt::format("the environment variable {} is not set", name),
                            fmt::format("set it, or write ${{{}:-default}}", name)};
  }
  out = {.text = std::string(inside.substr(colon + 2)), .from_outside = false};
  return std::nullopt;
}

Scalar broken_scalar() {
  Scalar scalar;
  scalar.kind = Kind::kString;
  scalar.broken = true;
  return scalar;
}

}  // namespace

bool has_references(std::string_view text) { return text.find("${") != std::string_view::npos; }

Scalar expand_references(std::string_view text, bool plain, ReferenceSource& source,
                         std::optional<ReferenceProblem>& problem) {
  std::string out;
  bool from_outside = false;
  bool whole = false;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t start = rest.find("${");
    if (start == std::string_view::npos) {
      out += rest;
      break;
    }
    if (start > 0 && rest[start - 1] == '$') {
      out.append(rest.substr(0, start - 1)).append("${");
      rest.remove_prefix(start + 2);
      continue;
    }
    out += rest.substr(0, start);
    const size_t end = rest.find('}', start);
    if (end == std::string_view::npos) {
      problem = {"a reference without its end", "close it with }, or write $${ for a literal ${"};
      return broken_scalar();
    }
    Text found;
    problem = resolve(rest.substr(start + 2, end - start - 2), source, found);
    if (problem) return broken_scalar();
    whole = start == 0 && end + 1 == rest.size() && rest.size() == text.size();
    out += found.text;
    if (out.size() > kTextBytesMax) {
      problem = {fmt::format("the value has more than {} bytes", kTextBytesMax), "make it shorter"};
      return broken_scalar();
    }
    from_outside = from_outside || found.from_outside;
    rest.remove_prefix(end + 1);
  }
  Scalar scalar = plain && whole && !out.empty() ? plain_scalar(out) : string_scalar(out);
  scalar.quoted = !plain;
  scalar.from_reference = from_outside;
  return scalar;
}

}  // namespace layotto::config
