// Secret: a text that is never printed: a password, a token, a key. Messages, printed
// configurations and schemas show *** in its place. Whoever needs the text says so with reveal().
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace layotto::config {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  [[nodiscard]] std::string_view reveal() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

}  // namespace layotto::config
