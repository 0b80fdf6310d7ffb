#include "cli/call.h"

#include <memory>
#include <optional>
#include <utility>

#include "async/task_group.h"
#include "cli/line_input.h"
#include "cli/messages.h"
#include "cli/sidecar.h"
#include "grpc/channel.h"
#include "http/header_name.h"

namespace layotto::cli {
namespace {

// What was asked for, read and checked before anything is connected.
struct Plan {
  const CallOptions& options;
  const MethodDescriptor& method;
  std::string path;
  grpc::Metadata metadata;
  std::unique_ptr<Message> request;       // unless the client streams
  std::optional<std::string> lines = {};  // of a client that streams; else they are on stdin
};

Result<grpc::Metadata> parse_metadata(const std::vector<std::string>& texts) {
  grpc::Metadata metadata;
  for (const std::string& text : texts) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) {
      return base::invalid_argument("'{}' is no metadata: write name:value", text);
    }
    std::string name = text.substr(0, colon);
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    const size_t value_at = text.find_first_not_of(' ', colon + 1);
    std::string value = value_at == std::string::npos ? "" : text.substr(value_at);
    if (!http::is_header_name(name, /*lower_only=*/true) || !http::is_header_value(value)) {
      return base::invalid_argument("'{}' cannot be sent as metadata", text);
    }
    if (name.starts_with("grpc-") || name == "te" || name == "content-type") {
      return base::invalid_argument("the metadata {} belongs to the protocol", name);
    }
    metadata.emplace_back(std::move(name), std::move(value));
  }
  return metadata;
}

Result<Plan> make_plan(const std::vector<std::string>& words, const CallOptions& options) {
  if (words.empty() || words.size() > 2) {
    return base::invalid_argument("write: layotto call SERVICE/METHOD [JSON]");
  }
  TRY(const MethodDescriptor* method, find_method(words[0]));
  TRY(grpc::Metadata metadata, parse_metadata(options.metadata));
  Plan plan{.options = options,
            .method = *method,
            .path = path_of(*method),
            .metadata = std::move(metadata),
            .request = make_message(*method->input_type())};
  const bool from_stdin = words.size() == 1 || words[1] == "-";
  if (method->client_streaming()) {
    if (!from_stdin) plan.lines = words[1];
    return plan;
  }
  if (from_stdin) {
    TRY(const std::string text, read_input(options.console));
    TRY(parse_json(text, *plan.request));
  } else {
    TRY(parse_json(words[1], *plan.request));
  }
  return plan;
}

// ---- output

Status print_reply(const Plan& plan, const Message& reply) {
  const Console& console = plan.options.console;
  const bool streams = plan.method.server_streaming() || plan.method.client_streaming();
  const JsonLayout layout =
      !streams && console.out_is_terminal() ? JsonLayout::kIndented : JsonLayout::kOneLine;
  TRY(std::string text, to_json(reply, layout));
  text += '\n';
  return print(console, text);
}

void tell_metadata(const Plan& plan, const grpc::Call& call) {
  if (!plan.options.verbose) return;
  for (const http::HeaderField& field : call.initial_metadata().fields()) {
    tell(plan.options.console, fmt::format("{}: {}", field.name, field.value));
  }
  for (const http::HeaderField& field : call.trailing_metadata().fields()) {
    tell(plan.options.console, fmt::format("trailer {}: {}", field.name, field.value));
  }
}

// ---- calls

grpc::CallOptions call_options(const Plan& plan, Sidecar& sidecar) {
  const bool streams = plan.method.server_streaming() || plan.method.client_streaming();
  const bool limited = !streams || plan.options.target.timeout.has_value();
  grpc::CallOptions options{.deadline = limited ? sidecar.deadline() : TimePoint::max(),
                            .metadata = sidecar.credentials()};
  options.metadata.insert(options.metadata.end(), plan.metadata.begin(), plan.metadata.end());
  return options;
}

Task<Status> call_once(const Plan* plan, Sidecar* sidecar) {
  grpc::Call call(sidecar->channel(), plan->path, call_options(*plan, *sidecar));
  const std::unique_ptr<Message> reply = make_message(*plan->method.output_type());
  Status status = co_await call.unary(*plan->request, *reply);
  tell_metadata(*plan, call);
  CO_TRY(std::move(status));
  co_return print_reply(*plan, *reply);
}

struct Sending {
  const Plan& plan;
  grpc::Call& call;
  std::unique_ptr<LineInput> input;
  Status failure;  // of ours: the call was cancelled because of it
};

Task<Status> send_lines(Sending* sending) {
  const std::unique_ptr<Message> message = make_message(*sending->plan.method.input_type());
  for (size_t number = 1;; ++number) {
    CO_TRY(const std::optional<std::string> line, co_await sending->input->next());
    if (!line.has_value()) break;
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    if (Status parsed = parse_json(*line, *message); !parsed.ok()) {
      const std::string words = fmt::format("line {}: {}", number, parsed.error().message());
      co_return std::move(parsed).error().reworded(words);
    }
    Status written = co_await sending->call.write(*message);
    if (written.ok()) continue;
    const Code code = written.error().code();
    // The call is over; reading tells how.
    if (code == Code::kCancelled || code == Code::kDeadlineExceeded) co_return Status{};
    co_return written;
  }
  sending->call.finish_writing();
  co_return Status{};
}

Task<void> send(Sending* sending) {
  sending->failure = co_await send_lines(sending);
  if (!sending->failure.ok()) sending->call.cancel();
}

Task<Status> print_replies(const Plan* plan, grpc::Call* call) {
  const std::unique_ptr<Message> reply = make_message(*plan->method.output_type());
  while (true) {
    CO_TRY(const bool more, co_await call->read(*reply));
    if (!more) co_return Status{};
    CO_TRY(print_reply(*plan, *reply));
  }
}

Task<Status> call_stream(const Plan* plan, Sidecar* sidecar) {
  grpc::Call call(sidecar->channel(), plan->path, call_options(*plan, *sidecar));
  CO_TRY(co_await call.start());
  const bool from_stdin = plan->method.client_streaming() && !plan->lines.has_value();
  async::Loop& loop = sidecar->loop();
  Sending sending{.plan = *plan,
                  .call = call,
                  .input = from_stdin
                               ? std::make_unique<LineInput>(loop, plan->options.console.in)
                               : std::make_unique<LineInput>(loop, plan->lines.value_or(""))};
  async::TaskGroup tasks(loop);
  Status status;
  if (plan->method.client_streaming()) {
    tasks.spawn(&send, &sending);
  } else {
    status = co_await call.write(*plan->request);
    call.finish_writing();
  }
  if (status.ok()) status = co_await print_replies(plan, &call);
  tasks.stop(async::StopReason::kCancelled);
  co_await tasks.join();
  co_await call.end();
  tell_metadata(*plan, call);
  // What a person did wrong comes before what became of the call by it.
  const bool ours = !sending.failure.ok() && sending.failure.error().code() != Code::kCancelled;
  co_return ours ? std::move(sending.failure) : std::move(status);
}

}  // namespace

int call(const std::vector<std::string>& words, const CallOptions& options) {
  const Result<Plan> plan = make_plan(words, options);
  if (!plan.ok()) return complain(options.console, plan.error());
  const bool streams = plan->method.client_streaming() || plan->method.server_streaming();
  return finish(options.console, with_sidecar(options.target, [&](Sidecar& sidecar) {
                  return streams ? call_stream(&*plan, &sidecar) : call_once(&*plan, &sidecar);
                }));
}

}  // namespace layotto::cli
