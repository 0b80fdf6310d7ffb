#include "clients/redis/handshake.h"

#include <charconv>
#include <utility>

#include "clients/redis/error_reply.h"

namespace layotto::clients::redis {
namespace {

Error unexpected(std::string_view address, std::string_view command, Reply reply) {
  return base::internal("redis {} answered {} with a {}", address, command,
                        resp_type_name(reply.type()))
      .upstream();
}

// What an error reply to one of our first commands means for the connection.
Error refused(std::string_view address, std::string_view command, std::string_view text) {
  Error error = to_error(address, text);
  if (text.starts_with("ERR max number of clients")) {
    return std::move(error).recoded(Code::kUnavailable).retryable();
  }
  if (command == "AUTH") {
    // Old servers say ERR to a wrong password, too.
    return std::move(error).recoded(Code::kUnauthenticated);
  }
  if (error.code() == Code::kInternal) {
    std::string message = fmt::format("{} ({})", error.message(), command);
    return std::move(error).recoded(Code::kFailedPrecondition).reworded(std::move(message));
  }
  return error;
}

// An answer to HELLO that says: not with me, but go on.
bool wants_resp2(std::string_view text) {
  const ReplyError kind = reply_error_kind(text);
  return text.starts_with("NOPROTO") || kind == ReplyError::kNoPermission ||
         (kind == ReplyError::kOther && !text.starts_with("ERR max number of clients"));
}

std::string_view field_of(std::string_view lines, std::string_view name) {
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

Status check_version(std::string_view address, std::string_view version, uint32_t major_min) {
  uint32_t major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  if (error != std::errc() || major >= major_min) return {};  // it does not say: go on
  return base::failed_precondition("redis {} is version {}, at least {}.0 is needed", address,
                                   version, major_min)
      .upstream();
}

class Handshake {
 public:
  Handshake(Conversation& talk, const ClientOptions& options, std::string_view address)
      : talk_(talk), options_(options), address_(address) {}

  Task<Result<Greeting>> run(Protocol protocol) {
    if (protocol == Protocol::kNegotiate) CO_TRY(co_await hello());
    if (!greeting_.resp3) say_login();
    say_rest();
    if (!greeting_.resp3) CO_TRY(co_await hear_login());
    CO_TRY(co_await hear_rest());
    CO_TRY(talk_.end());
    CO_TRY(check_version(address_, greeting_.version, options_.major_version_min));
    co_return std::move(greeting_);
  }

 private:
  [[nodiscard]] bool ask_version() const {
    return greeting_.version.empty() && options_.major_version_min > 0;
  }
  [[nodiscard]] bool has_login() const { return !options_.password.empty(); }

  Task<Status> hello() {
    std::string_view words[7] = {"HELLO", "3"};
    size_t count = 2;
    if (has_login()) {
      words[count++] = "AUTH";
      words[count++] = options_.username.empty() ? "default" : std::string_view(options_.username);
      words[count++] = options_.password;
    }
    if (!options_.client_name.empty()) {
      words[count++] = "SETNAME";
      words[count++] = options_.client_name;
    }
    talk_.say(Arguments(words, count));
    CO_TRY(const Reply reply, co_await talk_.hear());
    if (reply.is_error()) {
      if (wants_resp2(reply.text())) co_return Status{};
      co_return refused(address_, "HELLO", reply.text());
    }
    if (!reply.is_collection()) co_return unexpected(address_, "HELLO", reply);
    greeting_.resp3 = true;
    for (auto at = reply.begin(); at != reply.end();) {
      const Reply name = *at;
      if (++at == reply.end()) break;
      if (name.is_text() && name.text() == "version") greeting_.version = (*at).text();
      ++at;
    }
    co_return Status{};
  }

  void say_login() {
    if (has_login()) {
      if (options_.username.empty()) {
        talk_.say({"AUTH", options_.password});
      } else {
        talk_.say({"AUTH", options_.username, options_.password});
      }
    }
    if (!options_.client_name.empty()) talk_.say({"CLIENT", "SETNAME", options_.client_name});
  }
  Task<Status> hear_login() {
    if (has_login()) CO_TRY(co_await hear_ok("AUTH"));
    if (!options_.client_name.empty()) {
      // Some proxies know no names: never mind.
      CO_TRY(const Reply named, co_await talk_.hear());
      if (named.is_error() && reply_error_kind(named.text()) == ReplyError::kNoAuth) {
        co_return refused(address_, "CLIENT", named.text());
      }
    }
    co_return Status{};
  }

  void say_rest() {
    // Answered with LOADING, NOAUTH and the like by a server that cannot be used now.
    talk_.say({"PING"});
    if (options_.database != 0) talk_.say({"SELECT", NumberText(options_.database).view()});
    if (options_.primary_only) talk_.say({"ROLE"});
    if (ask_version()) talk_.say({"INFO", "server"});
    for (const Script* script : options_.scripts) talk_.say({"SCRIPT", "LOAD", script->text()});
  }
  Task<Status> hear_rest() {
    CO_TRY(co_await hear_ok("PING"));
    if (options_.database != 0) CO_TRY(co_await hear_ok("SELECT"));
    if (options_.primary_only) CO_TRY(co_await hear_role());
    if (ask_version()) {
      CO_TRY(const Reply reply, co_await talk_.hear());
      if (reply.is_text()) greeting_.version = field_of(reply.text(), "redis_version");
    }
    for (const Script* script : options_.scripts) CO_TRY(co_await hear_loaded(*script));
    co_return Status{};
  }

  Task<Status> hear_ok(std::string_view command) {
    CO_TRY(const Reply reply, co_await talk_.hear());
    if (reply.is_error()) co_return refused(address_, command, reply.text());
    co_return Status{};
  }
  Task<Status> hear_role() {
    CO_TRY(const Reply reply, co_await talk_.hear());
    if (reply.is_error()) co_return refused(address_, "ROLE", reply.text());
    if (!reply.is_collection() || reply.size() == 0 || !reply[0].is_text()) {
      co_return unexpected(address_, "ROLE", reply);
    }
    if (reply[0].text() == "master") co_return Status{};
    co_return base::unavailable("redis {} is a {}, not the primary", address_, reply[0].text())
        .upstream()
        .retryable();
  }
  Task<Status> hear_loaded(const Script& script) {
    CO_TRY(const Reply reply, co_await talk_.hear());
    if (reply.is_error()) {
      Error error = refused(address_, "SCRIPT LOAD", reply.text());
      std::string message = fmt::format("{}; script {}", error.message(), script.name());
      co_return std::move(error).reworded(std::move(message));
    }
    if (!reply.is_text() || reply.text() != script.sha1()) {
      co_return base::internal("redis {} loads script {} under another name", address_,
                               script.name())
          .upstream();
    }
    co_return Status{};
  }

  Conversation& talk_;
  const ClientOptions& options_;
  const std::string_view address_;
  Greeting greeting_;
};

}  // namespace

Task<Result<Greeting>> shake_hands(Conversation& talk, const ClientOptions& options,
                                   Protocol protocol, std::string_view address) {
  Handshake handshake(talk, options, address);
  co_return co_await handshake.run(protocol);
}

}  // namespace layotto::clients::redis
