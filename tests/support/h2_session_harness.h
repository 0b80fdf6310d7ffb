// SessionHarness: an http::h2::Session with an H2Peer at its other end, no connection between them.
// What the session says is kept as lines of text:
//
//   head 1 POST /path | head 1 200 end | interim 1 103 | data 1 'hello' end | data 1 70000
//   head 1 POST /path | whole 1 'hello' end      (a request that came at once, with its data)
//   trailers 1 | room 1 | closed 1 NO_ERROR | closed 1 CANCEL by peer | goaway 3 NO_ERROR
//   settings | pong
#pragma once

#include <fmt/core.h>

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2/session.h"
#include "tests/support/h2_peer.h"

namespace layotto::tests {

class SessionHarness {
 public:
  explicit SessionHarness(http::h2::Side side = http::h2::Side::kServer,
                          const http::ServerLimits& limits = {})
      : session(side, limits),
        peer(side == http::h2::Side::kServer ? H2Peer::OtherSide::kServer
                                             : H2Peer::OtherSide::kClient),
        side_(side) {}

  // Past preface and SETTINGS of both sides; nothing of that is left in `lines` and frames.
  void greet(const h2::Settings& settings = {}) {
    flush();
    first_settings_ = peer.frames();
    if (side_ == http::h2::Side::kServer) feed(h2::kPreface);
    feed(h2::settings(settings) + h2::settings_ack());
    flush();
    lines.clear();
    peer.forget_frames();
  }

  void feed(std::string_view bytes) {
    session.feed(bytes, now);
    take_events();
  }
  // What the session has to send reaches the peer, at most about `max` bytes of it.
  void flush(size_t max = 1 << 30) {
    ByteChain out;
    session.write_to(out, max);
    take_events();
    peer.receive(out.take_all().view());
  }
  // Both; then what the session has said, one line each, and forgets it.
  std::string exchange(std::string_view bytes) {
    feed(bytes);
    flush();
    return said();
  }
  std::string said() {
    std::string all;
    for (const std::string& line : lines) all += (all.empty() ? "" : " | ") + line;
    lines.clear();
    return all;
  }

  // A request of ours, as a client; returns its stream.
  uint32_t request(http::RequestLine line, bool end_stream, const h2::Fields& fields = {}) {
    lines_kept_.push_back(line);
    http::RequestHead head(lines_kept_.back());
    for (const auto& [name, value] : fields) {
      head.headers.add(arena.copy(name), arena.copy(value), arena);
    }
    auto stream = session.submit_request(head, end_stream, this);
    return stream.ok() ? *stream : 0;
  }
  uint32_t get(std::string_view path) {
    return request({.method_text = "GET",
                    .path = path,
                    .authority = "a",
                    .scheme = "http",
                    .method = http::Method::kGet},
                   true);
  }
  uint32_t post(std::string_view path) {
    return request({.method_text = "POST",
                    .path = path,
                    .authority = "a",
                    .scheme = "http",
                    .method = http::Method::kPost},
                   false);
  }
  // An answer of ours, as a server.
  void respond(uint32_t stream, uint16_t status, bool end_stream, const h2::Fields& fields = {}) {
    http::ResponseHead head(status);
    for (const auto& [name, value] : fields) {
      head.headers.add(arena.copy(name), arena.copy(value), arena);
    }
    session.submit_response(stream, head, end_stream);
  }
  void send(uint32_t stream, std::string_view payload, bool end_stream) {
    session.submit_data(stream, Bytes::copy(payload), end_stream);
  }

  http::h2::Session session;
  H2Peer peer;
  TimePoint now{std::chrono::hours(1)};
  // Data received are given back at once.
  bool consume = true;
  std::vector<std::string> lines;
  std::map<uint32_t, http::HeaderBlockRef> heads;  // the final ones
  std::map<uint32_t, http::HeaderBlockRef> trailers;
  std::map<uint32_t, size_t> received;
  std::map<uint32_t, http::h2::StreamRef*> refs;  // valid until kClosed
  [[nodiscard]] const std::vector<H2Frame>& first_settings() const { return first_settings_; }
  Arena arena;

 private:
  void take_events() {
    using http::h2::EventKind;
    for (auto& event : session.events()) {
      std::string line;
      switch (event.kind) {
        case EventKind::kHead:
        case EventKind::kInterim: {
          const http::RequestLine& request = event.block->line();
          line = fmt::format("{} {} ", event.kind == EventKind::kHead ? "head" : "interim",
                             event.stream);
          line += side_ == http::h2::Side::kServer
                      ? fmt::format("{} {}", request.method_text, request.path)
                      : fmt::format("{}", event.block->status());
          if (event.kind == EventKind::kHead) heads[event.stream] = std::move(event.block);
          if (!event.data.empty()) {  // a whole request
            lines.push_back(
                std::exchange(line, fmt::format("whole {} '{}'", event.stream, event.data)));
            received[event.stream] += event.data.size();
            if (consume) session.consumed_whole(event.data.size());
          }
          refs[event.stream] = event.ref;
          break;
        }
        case EventKind::kData:
          line = event.data.size() <= 20
                     ? fmt::format("data {} '{}'", event.stream, event.data)
                     : fmt::format("data {} {}", event.stream, event.data.size());
          received[event.stream] += event.data.size();
          if (consume) session.consumed(event.stream, event.data.size());
          break;
        case EventKind::kTrailers:
          line = fmt::format("trailers {}", event.stream);
          trailers[event.stream] = std::move(event.block);
          break;
        case EventKind::kRoom:
          line = fmt::format("room {}", event.stream);
          break;
        case EventKind::kClosed:
          line = fmt::format("closed {} {}{}", event.stream, error_code_name(event.code),
                             event.reset_by_peer ? " by peer" : "");
          break;
        case EventKind::kSettings:
          line = "settings";
          break;
        case EventKind::kGoaway:
          line = fmt::format("goaway {} {}", event.stream, error_code_name(event.code));
          break;
        case EventKind::kPong:
          line = "pong";
          break;
      }
      if (event.too_large) line += " too large";
      if (event.end_stream && event.kind != EventKind::kTrailers) line += " end";
      lines.push_back(line);
    }
    session.clear_events();
  }

  http::h2::Side side_;
  std::vector<H2Frame> first_settings_;
  std::deque<http::RequestLine> lines_kept_;
};

}  // namespace layotto::tests
