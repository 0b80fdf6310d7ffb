#include "components/hello/helloworld/helloworld.h"

#include <utility>

namespace layotto::components::hello::helloworld {

const config::Schema<HelloWorldSettings>& HelloWorldSettings::schema() {
  using S = HelloWorldSettings;
  static const auto& schema = config::Schema<S>::make(
      "hello.helloworld", "A greeting, for trying things out.", [](config::Schema<S>& s) {
        s.field("hello", &S::hello, "What SayHello answers; can change by ApplyConfiguration.");
      });
  return schema;
}

Task<Status> HelloWorld::say_hello(std::string_view name, std::string& greeting) {
  greeting = greeting_.get();
  if (!name.empty()) {
    greeting += ", ";
    greeting += name;
  }
  return async::ready_ok();
}

Status HelloWorld::apply_configuration(const std::map<std::string, std::string>& settings) {
  const auto hello = settings.find("hello");
  if (hello == settings.end()) {
    return base::invalid_argument("the only setting that can change is 'hello', and it is missing");
  }
  greeting_.set(hello->second);
  return {};
}

blocks::ComponentSpec<blocks::Hello> spec() {
  return blocks::component<blocks::Hello, HelloWorldSettings>(
      {.type = "helloworld",
       .summary = "Answers with a configured greeting.",
       .features = {.dynamic_configuration = true},
       .make_shared = [](const HelloWorldSettings& settings,
                         blocks::ProcessEnv&) -> Result<std::shared_ptr<blocks::Shared>> {
         return std::shared_ptr<blocks::Shared>(std::make_shared<Greeting>(settings.hello));
       },
       .make = [](const HelloWorldSettings&, blocks::Shared* shared,
                  blocks::WorkerEnv&) -> Result<std::unique_ptr<blocks::Hello>> {
         return std::unique_ptr<blocks::Hello>(
             std::make_unique<HelloWorld>(static_cast<Greeting&>(*shared)));
       }});
}

}  // namespace layotto::components::hello::helloworld
