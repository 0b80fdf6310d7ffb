#include "tests/support/h2_peer.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace layotto::tests {
namespace h2 {

std::string number(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

std::string frame_claiming(size_t length, int type, int flags, uint32_t stream,
                           std::string_view payload) {
  return number(static_cast<uint32_t>(length), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + number(stream, 4) + std::string(payload);
}

std::string frame(int type, int flags, uint32_t stream, std::string_view payload) {
  return frame_claiming(payload.size(), type, flags, stream, payload);
}

std::string settings(const Settings& entries) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += number(id, 2) + number(value, 4);
  return frame(kSettings, kNoFlags, 0, payload);
}

std::string settings_ack() { return frame(kSettings, kAck, 0); }

std::string ping(std::string_view eight_bytes, int flags) {
  return frame(kPing, flags, 0, eight_bytes);
}

std::string window_update(uint32_t stream, uint32_t increment) {
  return frame(kWindowUpdate, kNoFlags, stream, number(increment, 4));
}

std::string rst_stream(uint32_t stream, uint32_t code) {
  return frame(kRstStream, kNoFlags, stream, number(code, 4));
}

std::string goaway(uint32_t last_stream, uint32_t code) {
  return frame(kGoaway, kNoFlags, 0, number(last_stream, 4) + number(code, 4));
}

std::string priority(uint32_t stream, uint32_t depends_on, int weight) {
  return frame(kPriority, kNoFlags, stream, number(depends_on, 4) + static_cast<char>(weight));
}

std::string data(uint32_t stream, std::string_view payload, int flags) {
  return frame(kData, flags, stream, payload);
}

std::string headers(uint32_t stream, std::string_view block, int flags) {
  return frame(kHeaders, flags, stream, block);
}

std::string continuation(uint32_t stream, std::string_view block, int flags) {
  return frame(kContinuation, flags, stream, block);
}

std::string hpack_integer(uint64_t value, int bits, uint8_t pattern) {
  const uint64_t limit = (uint64_t{1} << bits) - 1;
  if (value < limit) return {static_cast<char>(pattern | value)};
  std::string text(1, static_cast<char>(pattern | limit));
  value -= limit;
  for (; value >= 128; value >>= 7) text.push_back(static_cast<char>(value | 128));
  text.push_back(static_cast<char>(value));
  return text;
}

std::string hpack_string(std::string_view text) {
  return hpack_integer(text.size(), 7, 0) + std::string(text);
}

std::string hpack_indexed(uint64_t index) { return hpack_integer(index, 7, 0x80); }

std::string hpack_table_size(uint64_t size) { return hpack_integer(size, 5, 0x20); }

std::string hpack_literal(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + hpack_string(name) + hpack_string(value);
}

std::string hpack_literal_indexed(std::string_view name, std::string_view value) {
  return std::string(1, '\x40') + hpack_string(name) + hpack_string(value);
}

std::string hpack(const Fields& fields) {
  std::string block;
  for (const auto& [name, value] : fields) block += hpack_literal(name, value);
  return block;
}

Fields get(std::string_view path) {
  return {{":method", "GET"},
          {":scheme", "http"},
          {":path", std::string(path)},
          {":authority", "test.example"}};
}

Fields post(std::string_view path) {
  Fields fields = get(path);
  fields[0].second = "POST";
  return fields;
}

Fields grpc(std::string_view path) {
  Fields fields = post(path);
  fields.insert(fields.end(), {{"content-type", "application/grpc"}, {"te", "trailers"}});
  return fields;
}

std::string request(uint32_t stream, const Fields& fields, int flags) {
  return headers(stream, hpack(fields), flags);
}

std::string request_with_body(uint32_t stream, const Fields& fields, std::string_view body) {
  return request(stream, fields, kEndHeaders) + data(stream, body);
}

}  // namespace h2

namespace {

uint32_t read_number(std::string_view bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = at; i < at + count && i < bytes.size(); ++i) {
    value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

constexpr uint32_t kStreamMask = 0x7fffffff;

std::string find(const h2::Fields& fields, std::string_view name) {
  for (const auto& [n, v] : fields) {
    if (n == name) return v;
  }
  return {};
}

}  // namespace

uint32_t H2Frame::code() const { return read_number(payload, type == h2::kGoaway ? 4 : 0, 4); }

uint32_t H2Frame::last_stream() const { return read_number(payload, 0, 4) & kStreamMask; }

std::string H2Answer::header(std::string_view name) const { return find(headers, name); }

std::string H2Answer::trailer(std::string_view name) const { return find(trailers, name); }

struct H2Peer::Inflater {
  Inflater() { CHECK(nghttp2_hd_inflate_new(&inflater) == 0); }
  ~Inflater() { nghttp2_hd_inflate_del(inflater); }

  h2::Fields decode(std::string_view block) {
    h2::Fields fields;
    const auto* in = reinterpret_cast<const uint8_t*>(block.data());
    size_t left = block.size();
    while (true) {
      nghttp2_nv nv{};
      int flags = 0;
      const ssize_t n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, in, left, 1);
      CHECK(n >= 0, "the other side's header block is broken");
      in += n;
      left -= static_cast<size_t>(n);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        fields.emplace_back(std::string(reinterpret_cast<char*>(nv.name), nv.namelen),
                            std::string(reinterpret_cast<char*>(nv.value), nv.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater);
        return fields;
      }
    }
  }

  nghttp2_hd_inflater* inflater = nullptr;
};

H2Peer::H2Peer() : inflater_(std::make_unique<Inflater>()) {}

H2Peer::H2Peer(OtherSide other)
    : inflater_(std::make_unique<Inflater>()),
      preface_left_(other == OtherSide::kClient ? h2::kPreface.size() : 0) {}

H2Peer::~H2Peer() = default;

void H2Peer::receive(std::string_view bytes) {
  pending_ += bytes;
  if (preface_left_ > 0) {
    if (pending_.size() < preface_left_) return;
    CHECK(pending_.starts_with(h2::kPreface), "a client begins with the preface");
    pending_.erase(0, std::exchange(preface_left_, 0));
  }
  size_t at = 0;
  while (pending_.size() - at >= 9) {
    const size_t length = read_number(pending_, at, 3);
    if (pending_.size() - at < 9 + length) break;
    take({.type = static_cast<uint8_t>(pending_[at + 3]),
          .flags = static_cast<uint8_t>(pending_[at + 4]),
          .stream = read_number(pending_, at + 5, 4) & kStreamMask,
          .payload = pending_.substr(at + 9, length)});
    at += 9 + length;
  }
  pending_.erase(0, at);
}

void H2Peer::take(H2Frame frame) {
  switch (frame.type) {
    case h2::kHeaders:
      CHECK((frame.flags & (h2::kPadded | h2::kHasPriority)) == 0, "not expected of our own side");
      block_ = frame.payload;
      block_ends_stream_ = (frame.flags & h2::kEndStream) != 0;
      if ((frame.flags & h2::kEndHeaders) != 0) take_block(frame.stream, block_ends_stream_);
      break;
    case h2::kContinuation:
      block_ += frame.payload;
      if ((frame.flags & h2::kEndHeaders) != 0) take_block(frame.stream, block_ends_stream_);
      break;
    case h2::kData:
      answers_[frame.stream].body += frame.payload;
      if ((frame.flags & h2::kEndStream) != 0) answers_[frame.stream].ended = true;
      break;
    case h2::kRstStream:
      answers_[frame.stream].reset = frame.code();
      break;
    default:
      break;
  }
  frames_.push_back(std::move(frame));
}

void H2Peer::take_block(uint32_t stream, bool end_stream) {
  H2Answer& answer = answers_[stream];
  const h2::Fields fields = inflater_->decode(block_);
  const std::string status = find(fields, ":status");
  const bool head = answer.pseudo.empty();
  for (const auto& field : fields) {
    if (status.starts_with('1')) {
      answer.interim.push_back(field);
    } else if (!head) {
      answer.trailers.push_back(field);
    } else {
      (field.first.starts_with(':') ? answer.pseudo : answer.headers).push_back(field);
    }
  }
  if (head && !status.starts_with('1')) answer.status = status;
  if (end_stream) answer.ended = true;
}

size_t H2Peer::count(int type, std::optional<uint32_t> stream) const {
  return static_cast<size_t>(
      std::count_if(frames_.begin(), frames_.end(), [&](const H2Frame& frame) {
        return frame.type == type && (!stream.has_value() || frame.stream == *stream);
      }));
}

H2Frame H2Peer::last(int type) const {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    if (frame->type == type) return *frame;
  }
  return {};
}

std::optional<uint32_t> H2Peer::goaway() const {
  if (!got(h2::kGoaway)) return std::nullopt;
  return last(h2::kGoaway).code();
}

std::optional<uint32_t> H2Peer::reset(uint32_t stream) const {
  const auto found = answers_.find(stream);
  return found == answers_.end() ? std::nullopt : found->second.reset;
}

std::optional<uint32_t> H2Peer::setting(uint16_t id) const {
  for (const H2Frame& frame : frames_) {
    if (frame.type != h2::kSettings || (frame.flags & h2::kAck) != 0) continue;
    for (size_t at = 0; at + 6 <= frame.payload.size(); at += 6) {
      if (read_number(frame.payload, at, 2) == id) return read_number(frame.payload, at + 2, 4);
    }
    return std::nullopt;
  }
  return std::nullopt;
}

uint64_t H2Peer::window_updates(uint32_t stream) const {
  uint64_t sum = 0;
  for (const H2Frame& frame : frames_) {
    if (frame.type == h2::kWindowUpdate && frame.stream == stream) {
      sum += read_number(frame.payload, 0, 4);
    }
  }
  return sum;
}

void H2Wire::send(std::string_view bytes) {
  connection_->out().append(bytes);
  connection_->schedule_flush();
}

bool H2Wire::read() {
  std::array<char, 16 * 1024> buffer;
  while (!closed_) {
    const net::ReadResult got = connection_->read_some(buffer);
    if (got.outcome == net::ReadOutcome::kWouldBlock) break;
    if (got.outcome != net::ReadOutcome::kBytes) {
      closed_ = true;
      break;
    }
    receive({buffer.data(), got.size});
  }
  return !closed_;
}

}  // namespace layotto::tests
