#include "app/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

namespace layotto::app {
namespace {

enum class Takes : uint8_t { kNothing, kValue };

struct OptionRow {
  std::string_view name;     // long name
  std::string_view shorter;  // "-c", or a single-dash word like "-sm"; may be empty
  Takes takes;
  std::string_view value_name;
  std::string_view help;  // empty: accepted, without a meaning here
};

struct VerbRow {
  std::string_view name;
  std::string_view arguments;
  std::string_view summary;
  std::string_view details;
  std::span<const OptionRow> options;
};

constexpr OptionRow kConfig = {"config", "-c", Takes::kValue, "FILE",
                               "configuration; else $RUNTIME_CONFIG, else the embedded defaults"};
constexpr OptionRow kAddress = {"address", "-a", Takes::kValue, "ADDRESS",
                                "host:port or unix:/path of the sidecar (127.0.0.1:34904)"};
constexpr OptionRow kTimeout = {"timeout", "-t", Takes::kValue, "SECONDS",
                                "give up after this long (10)"};
constexpr OptionRow kToken = {"token-file", "", Takes::kValue, "FILE",
                              "send the token in FILE as a bearer token"};
constexpr OptionRow kTlsCa = {"tls-ca", "", Takes::kValue, "FILE",
                              "speak TLS; the server's certificate must be signed by a CA in FILE"};
constexpr OptionRow kTlsCert = {"tls-cert", "", Takes::kValue, "FILE", "client certificate (PEM)"};
constexpr OptionRow kTlsKey = {"tls-key", "", Takes::kValue, "FILE", "its key (PEM)"};
constexpr OptionRow kStore = {"store", "-s", Takes::kValue, "NAME", "the state store (demo)"};
constexpr OptionRow kSkipUnbuilt = {"skip-unbuilt", "", Takes::kNothing, "",
                                    "leave out what the file asks for and this release lacks"};

constexpr OptionRow kStartOptions[] = {
    kConfig,
    kSkipUnbuilt,
    {"strict", "", Takes::kNothing, "", "refuse doors that are open to other machines and to all"},
    {"quiet", "-q", Takes::kNothing, "", "no banner"},
    {"log-level", "-l", Takes::kValue, "LEVEL", "trace, debug, info, warn, error, critical or off"},
    {"logging-level", "-ll", Takes::kValue, "LEVEL", "the same, Layotto's other name"},
    {"logging-path", "-lp", Takes::kValue, "PATH", "event log: a file, or a folder for one"},
    // Layotto's and istio's, without a meaning here.
    {"service-cluster", "-s", Takes::kValue, "", ""},
    {"service-node", "-n", Takes::kValue, "", ""},
    {"service-type", "-p", Takes::kValue, "", ""},
    {"service-meta", "-sm", Takes::kValue, "", ""},
    {"service-lables", "-sl", Takes::kValue, "", ""},
    {"cluster-domain", "-domain", Takes::kValue, "", ""},
    {"feature-gates", "-f", Takes::kValue, "", ""},
    {"pod-namespace", "-pns", Takes::kValue, "", ""},
    {"pod-name", "-pn", Takes::kValue, "", ""},
    {"pod-ip", "-pi", Takes::kValue, "", ""},
    {"drain-time-s", "", Takes::kValue, "", ""},
    {"log-format", "-lf", Takes::kValue, "", ""},
    {"component-log-level", "-lc", Takes::kValue, "", ""},
    {"local-address-ip-version", "", Takes::kValue, "", ""},
    {"restart-epoch", "", Takes::kValue, "", ""},
    {"parent-shutdown-time-s", "", Takes::kValue, "", ""},
    {"max-obj-name-len", "", Takes::kValue, "", ""},
    {"concurrency", "", Takes::kValue, "", ""},
    {"log-format-prefix-with-location", "", Takes::kValue, "", ""},
    {"bootstrap-version", "", Takes::kValue, "", ""},
    {"drain-strategy", "", Takes::kValue, "", ""},
    {"disable-hot-restart", "", Takes::kNothing, "", ""},
    {"allow-unknown-static-fields", "", Takes::kNothing, "", ""},
};
constexpr OptionRow kStopOptions[] = {kConfig, kTimeout, kToken, kTlsCa, kTlsCert, kTlsKey};
constexpr OptionRow kCheckOptions[] = {kConfig, kSkipUnbuilt};
constexpr OptionRow kSchemaOptions[] = {
    {"text", "", Takes::kNothing, "", "for people instead of JSON Schema"}};
constexpr OptionRow kComponentsOptions[] = {{"json", "", Takes::kNothing, "", "as JSON"}};
constexpr OptionRow kCallOptions[] = {
    kAddress,
    kTimeout,
    kToken,
    kTlsCa,
    kTlsCert,
    kTlsKey,
    {"metadata", "-H", Takes::kValue, "NAME:VALUE", "request metadata; may be repeated"},
    {"verbose", "-v", Takes::kNothing, "", "print response metadata to stderr"}};
constexpr OptionRow kStateOptions[] = {
    kAddress,
    kStore,
    kTimeout,
    kToken,
    kTlsCa,
    kTlsCert,
    kTlsKey,
    {"etag", "", Takes::kValue, "ETAG", "save, delete: only if the key has this etag"},
    {"first-write", "", Takes::kNothing, "", "save: only if the key does not exist"},
    {"ttl", "", Takes::kValue, "SECONDS", "save: expire after this"}};
constexpr OptionRow kBackupOptions[] = {
    kConfig,
    kTimeout,
    kToken,
    kTlsCa,
    kTlsCert,
    kTlsKey,
    {"admin", "", Takes::kValue, "ADDRESS", "the sidecar's admin listener (127.0.0.1:34999)"}};

constexpr VerbRow kVerbs[] = {
    {"start", "[-c FILE]", "run the sidecar",
     "Without a file it runs on embedded defaults: the API on 127.0.0.1:34904 and a Unix socket, "
     "a\n"
     "state store 'demo' on disk. SIGTERM drains and ends it, SIGHUP reads the file again, "
     "SIGUSR1\n"
     "opens the log files anew.",
     kStartOptions},
    {"stop", "[-c FILE]", "end a running sidecar and wait until it is gone", "", kStopOptions},
    {"check", "-c FILE", "say everything that is wrong with a configuration",
     "Nothing is opened. Exit code 1 when the file has errors; what has no meaning here is listed.",
     kCheckOptions},
    {"schema", "[TYPE]", "print the JSON schema of the configuration, or of a component",
     "TYPE is layotto (the default) or a component such as state.redis. For editors:\n"
     "  layotto schema > layotto.schema.json",
     kSchemaOptions},
    {"components", "", "list the components that can be configured", "", kComponentsOptions},
    {"call", "SERVICE/METHOD [JSON]", "call any rpc: JSON in, JSON out",
     "JSON is the request; without it, or with -, it is read from stdin; a streaming call takes "
     "and\n"
     "gives one JSON value a line. The exit code is the gRPC status.\n"
     "  layotto call spec.proto.runtime.v1.Runtime/GetState "
     "'{\"store_name\":\"demo\",\"key\":\"a\"}'",
     kCallOptions},
    {"state", "get|save|delete KEY [VALUE]", "read and write a state store",
     "save takes the value as an argument, or from stdin with -.\n"
     "  layotto state save hello world\n"
     "  layotto state get hello",
     kStateOptions},
    {"backup", "COMPONENT FOLDER", "copy an embedded component's data into a new folder",
     "Asks the running sidecar; opens the data itself only when nobody holds it.\n"
     "  layotto backup state.demo /backup/demo-2026-01-02",
     kBackupOptions},
    {"completion",
     "bash|zsh",
     "print a completion script: source <(layotto completion bash)",
     "",
     {}},
    {"version", "", "print the version", "", {}},
    {"help", "[VERB]", "this, or the help of one verb", "", {}},
};

const VerbRow* find_verb(std::string_view name) {
  const auto found = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                  [&](const VerbRow& verb) { return verb.name == name; });
  return found == std::end(kVerbs) ? nullptr : found;
}

// `word` begins with '-': "--name", "--name=value", "-c", "-sm", "-config".
const OptionRow* find_option(const VerbRow& verb, std::string_view word) {
  const std::string_view bare = word.substr(word.starts_with("--") ? 2 : 1);
  for (const OptionRow& option : verb.options) {
    if (bare == option.name) return &option;
    if (!word.starts_with("--") && word == option.shorter) return &option;
  }
  return nullptr;
}

std::string option_line(const OptionRow& option) {
  std::string names = option.shorter.empty() ? "    " : fmt::format("{}, ", option.shorter);
  names += fmt::format("--{}", option.name);
  if (option.takes == Takes::kValue) names += fmt::format(" {}", option.value_name);
  return fmt::format("  {:<28} {}\n", names, option.help);
}

std::string verb_help(const VerbRow& verb) {
  std::string text = fmt::format("layotto {} {}\n\n{}\n", verb.name, verb.arguments, verb.summary);
  if (!verb.details.empty()) text += fmt::format("\n{}\n", verb.details);
  if (!verb.options.empty()) text += "\nOptions:\n";
  std::string accepted;
  for (const OptionRow& option : verb.options) {
    if (!option.help.empty()) {
      text += option_line(option);
      continue;
    }
    accepted += accepted.empty() ? "" : ", ";
    accepted += fmt::format("--{}", option.name);
    if (!option.shorter.empty()) accepted += fmt::format(" ({})", option.shorter);
  }
  if (!accepted.empty()) {
    text +=
        "\nAccepted because Layotto's scripts and istio's agent pass them, without a meaning "
        "here:\n";
    // Wrapped at 96 columns.
    size_t column = 0;
    size_t from = 0;
    while (from < accepted.size()) {
      const size_t end = std::min(accepted.find(", ", from), accepted.size());
      const std::string_view item = std::string_view(accepted).substr(from, end - from);
      if (column == 0 || column + item.size() + 2 > 96) {
        text += column == 0 ? "  " : ",\n  ";
        column = 2;
      } else {
        text += ", ";
        column += 2;
      }
      text += item;
      column += item.size();
      from = std::min(end + 2, accepted.size());
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::optional<std::string> CommandLine::value(std::string_view option) const {
  for (auto it = options.rbegin(); it != options.rend(); ++it) {
    if (it->first == option) return it->second;
  }
  return std::nullopt;
}

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty()) {
    line.verb = "help";
    return line;
  }
  // Layotto's start flags also work without the word.
  size_t at = 0;
  if (words[0] == "--version" || words[0] == "-v") {
    line.verb = "version";
    return line;
  }
  if (words[0] == "--help" || words[0] == "-h") {
    line.verb = "help";
    return line;
  }
  if (words[0].starts_with('-')) {
    line.verb = "start";
  } else {
    line.verb = words[0];
    at = 1;
  }
  const VerbRow* verb = find_verb(line.verb);
  if (verb == nullptr) {
    return base::invalid_argument("there is no command '{}'; `layotto help` lists them", line.verb);
  }
  bool only_words = false;
  for (; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (only_words || !word.starts_with('-') || word == "-") {
      line.words.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      line.words.assign(1, line.verb);
      line.verb = "help";
      return line;
    }
    const size_t equals = word.find('=');
    const OptionRow* option = find_option(*verb, word.substr(0, equals));
    if (option == nullptr) {
      return base::invalid_argument("{} has no option {}; `layotto {} --help` lists them",
                                    line.verb, word.substr(0, equals), line.verb);
    }
    if (option->takes == Takes::kNothing) {
      line.options.emplace_back(option->name, "");
      continue;
    }
    if (equals != std::string_view::npos) {
      line.options.emplace_back(option->name, word.substr(equals + 1));
      continue;
    }
    if (at + 1 == words.size()) {
      return base::invalid_argument("{} wants a value after it", word);
    }
    line.options.emplace_back(option->name, words[++at]);
  }
  return line;
}

std::string help_text(std::string_view verb_name) {
  if (const VerbRow* verb = find_verb(verb_name); verb != nullptr && verb_name != "help") {
    return verb_help(*verb);
  }
  std::string text =
      "layotto: the building blocks of distributed applications behind one local gRPC port\n\n";
  for (const VerbRow& verb : kVerbs) {
    text += fmt::format("  layotto {:<36} {}\n", fmt::format("{} {}", verb.name, verb.arguments),
                        verb.summary);
  }
  text += "\nlayotto VERB --help says more.\n";
  return text;
}

Result<std::string> completion_script(std::string_view shell) {
  if (shell != "bash" && shell != "zsh") {
    return base::invalid_argument("completion is for bash or zsh, not '{}'", shell);
  }
  std::string verbs;
  std::string cases;
  for (const VerbRow& verb : kVerbs) {
    verbs += fmt::format("{}{}", verbs.empty() ? "" : " ", verb.name);
    std::string options;
    for (const OptionRow& option : verb.options) {
      if (!option.help.empty()) options += fmt::format("--{} ", option.name);
    }
    if (verb.name == "state") options += "get save delete";
    if (verb.name == "completion") options += "bash zsh";
    if (!options.empty()) cases += fmt::format("    {}) words=\"{}\" ;;\n", verb.name, options);
  }
  // zsh runs the same function through its emulation of bash's completion.
  std::string script = shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" : "";
  script += fmt::format(
      "_layotto() {{\n"
      "  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" before=\"${{COMP_WORDS[COMP_CWORD-1]}}\" "
      "words\n"
      "  case \"$before\" in\n"
      "    -c|--config|--token-file|--tls-ca|--tls-cert|--tls-key)\n"
      "      COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
      "  esac\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{}\" -- \"$word\")); return\n"
      "  fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n{}  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
      "}}\n"
      "complete -F _layotto layotto\n",
      verbs, cases);
  return script;
}

}  // namespace layotto::app
