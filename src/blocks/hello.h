// Hello: the smallest building block: a greeting. It shows what every block has: an interface, a
// component of the catalogue, settings that can change while it runs.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/error.h"
#include "blocks/component.h"

namespace layotto::blocks {

class Hello : public Component {
 public:
  struct Features {
    bool dynamic_configuration = false;
  };

  // Fills `greeting`; `name` may be empty.
  virtual Task<Status> say_hello(std::string_view name, std::string& greeting) = 0;
  // Takes settings that changed while the component runs, for all workers. kInvalidArgument names
  // what is wrong, and nothing has changed then.
  virtual Status apply_configuration(const std::map<std::string, std::string>&) {
    return base::unimplemented("this component has no settings that can change while it runs");
  }
};

}  // namespace layotto::blocks
