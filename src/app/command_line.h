// The command line of `layotto`: verbs, their options, help and completion, all from one table.
//
// `start` also takes Layotto's own flags (single-dash words such as -sm included) and the flags
// istio's agent passes: those without a meaning here are accepted and listed by --help.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace layotto::app {

struct CommandLine {
  std::string verb;                // "start", "call", …; "help" when asked for or nothing was said
  std::vector<std::string> words;  // what is left after the options
  // Options by their long name; flags have an empty value.
  std::vector<std::pair<std::string, std::string>> options;

  [[nodiscard]] bool has(std::string_view option) const { return value(option).has_value(); }
  // The last value given.
  [[nodiscard]] std::optional<std::string> value(std::string_view option) const;
};

// kInvalidArgument with a sentence and a remedy.
Result<CommandLine> parse_command_line(int argc, char** argv);

// Help of one verb, or of all.
std::string help_text(std::string_view verb);
// Scripts for `source <(layotto completion bash)`; kInvalidArgument for other shells.
Result<std::string> completion_script(std::string_view shell);

}  // namespace layotto::app
