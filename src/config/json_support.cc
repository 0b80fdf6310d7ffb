#include "config/json_support.h"

#include <fmt/core.h>

#include <boost/throw_exception.hpp>

#include "base/check.h"

namespace boost {

void throw_exception(const std::exception& error) {
  layotto::base::check_failed("boost::throw_exception", error.what());
}

void throw_exception(const std::exception& error, const source_location&) {
  layotto::base::check_failed("boost::throw_exception", error.what());
}

}  // namespace boost

namespace layotto::config {
namespace {

namespace json = boost::json;

std::string json_string(std::string_view text) {
  return json::serialize(json::string(text.data(), text.size()));
}

void write(std::string& out, const json::value& value, size_t indent) {
  const auto line = [&out](size_t spaces) { out.append("\n").append(spaces, ' '); };
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    for (const auto& [key, item] : *object) {
      if (&item != &object->begin()->value()) out += ',';
      line(indent + 2);
      out += json_string({key.data(), key.size()}) + ": ";
      write(out, item, indent + 2);
    }
    line(indent);
    out += '}';
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    out += '[';
    for (const json::value& item : *array) {
      if (&item != array->begin()) out += ',';
      line(indent + 2);
      write(out, item, indent + 2);
    }
    line(indent);
    out += ']';
  } else if (const double* number = value.if_double(); number != nullptr) {
    out += fmt::format("{}", *number);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

void JsonSink::integer(Int128 value) {
  if (value < 0) {
    put(static_cast<int64_t>(value));
  } else {
    put(static_cast<uint64_t>(value));
  }
}

void JsonSink::put(json::value value) {
  if (open_.empty()) {
    root_ = std::move(value);
  } else if (json::array* array = open_.back().value.if_array(); array != nullptr) {
    array->push_back(std::move(value));
  } else {
    open_.back().value.get_object().insert_or_assign(open_.back().key, std::move(value));
  }
}

void JsonSink::end() {
  CHECK(!open_.empty(), "an end without its begin");
  json::value value = std::move(open_.back().value);
  open_.pop_back();
  put(std::move(value));
}

std::string pretty_json(const json::value& value) {
  std::string out;
  write(out, value, 0);
  return out + '\n';
}

}  // namespace layotto::config
