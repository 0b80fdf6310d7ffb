// Script: a Lua script that a server runs by its SHA-1 (EVALSHA), loaded at every connect and again
// when the server has forgotten it. A value, made once and kept where the client can see it.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace layotto::clients::redis {

class Script {
 public:
  // `name` is static text, for messages.
  Script(std::string_view name, std::string text);

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  // 40 hexadecimal digits.
  [[nodiscard]] std::string_view sha1() const { return {sha1_.data(), sha1_.size()}; }

 private:
  std::string_view name_;
  std::string text_;
  std::array<char, 40> sha1_;
};

}  // namespace layotto::clients::redis
