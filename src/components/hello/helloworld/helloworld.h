// hello.helloworld: answers with a configured greeting, and the name when there is one.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "blocks/hello.h"
#include "blocks/spec.h"
#include "config/schema.h"

namespace layotto::components::hello::helloworld {

struct HelloWorldSettings {
  std::string hello = "hello";

  static const config::Schema<HelloWorldSettings>& schema();
};

// The greeting, which may change while workers use it.
class Greeting final : public blocks::Shared {
 public:
  explicit Greeting(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] std::string get() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class HelloWorld final : public blocks::Hello {
 public:
  explicit HelloWorld(Greeting& greeting) : greeting_(greeting) {}

  Task<Status> start() override { return async::ready_ok(); }
  [[nodiscard]] blocks::Health health() const override {
    return {.state = blocks::Health::State::kReady, .reason = {}};
  }
  // "greeting", or "greeting, name".
  Task<Status> say_hello(std::string_view name, std::string& greeting) override;
  // Key `hello`: the new greeting.
  Status apply_configuration(const std::map<std::string, std::string>& settings) override;

 private:
  Greeting& greeting_;
};

blocks::ComponentSpec<blocks::Hello> spec();

}  // namespace layotto::components::hello::helloworld
