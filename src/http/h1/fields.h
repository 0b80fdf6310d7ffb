// Header fields of HTTP/1, as lines: what heads and trailers have in common.
#pragma once

#include <string_view>

#include "http/h1/fault.h"
#include "http/header_map.h"

namespace layotto::http::h1 {

// "Name: value" without its CRLF. The value is a part of `line`.
struct FieldLine {
  std::string_view name;
  std::string_view value;
};
Fault split_field(std::string_view line, FieldLine& field);

// Copies the field into the block, its name in lower case.
void add_field(HeaderBlock& block, const FieldLine& field);

bool equals_ignoring_case(std::string_view text, std::string_view lower);

// RFC 9110 §5.6.1: the elements of a comma-separated list, empty ones left out.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    std::string_view element = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) {
      element.remove_prefix(1);
    }
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) {
      element.remove_suffix(1);
    }
    if (!element.empty()) visit(element);
  }
}

}  // namespace layotto::http::h1
