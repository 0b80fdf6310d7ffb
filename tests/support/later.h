// Later<T>: what a task of a test will have to say. Reading it before it was said ends the test.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"

namespace layotto::tests {

template <class T>
class Later {
 public:
  void emplace(T value) { value_.emplace(std::move(value)); }
  void reset() { value_.reset(); }
  [[nodiscard]] bool has_value() const { return value_.has_value(); }
  T& operator*() {
    CHECK(value_.has_value(), "the task has not come to an end");
    return *value_;
  }
  T* operator->() { return &**this; }

 private:
  std::optional<T> value_;
};

}  // namespace layotto::tests
