// Commands as Redis reads them: an array of bulk strings, written straight into what is to be sent.
#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/byte_chain.h"

namespace layotto::clients::redis {

// The name of the command and its arguments, which may be any bytes. At least one.
using Arguments = std::span<const std::string_view>;

// Appends one command.
void append_command(ByteChain& out, Arguments arguments);

// A number as an argument: lives in the caller's frame, views of it as long.
class NumberText {
 public:
  explicit NumberText(int64_t value)
      : size_(static_cast<size_t>(std::to_chars(digits_, digits_ + sizeof(digits_), value).ptr -
                                  digits_)) {}
  [[nodiscard]] std::string_view view() const { return {digits_, size_}; }

 private:
  char digits_[20];
  size_t size_;
};

}  // namespace layotto::clients::redis
