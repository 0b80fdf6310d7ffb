// W3C Trace Context (https://www.w3.org/TR/trace-context): the ids that tie the legs of a request
// together. Read from and written to the header `traceparent` in place, without allocation:
//
//   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//
// A Span is one leg as a plain value. Ids are drawn only when the trace is sampled: of a trace that
// is not, every hop passes on the ids it got, and a request that came without a trace and is not
// sampled has no ids at all. `tracestate` belongs to a valid traceparent and is passed on unchanged
// by the caller, or dropped together with an invalid one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/random.h"

namespace layotto::telemetry {

using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;

// Bytes of a traceparent as we write it.
inline constexpr size_t kTraceparentBytes = 55;

// What a traceparent says. Neither id is all zeros.
struct TraceParent {
  TraceId trace_id{};
  SpanId parent_id{};  // the span of whoever sent it
  uint8_t flags = 0;   // only those we know

  static constexpr uint8_t kSampled = 0x01;
  static constexpr uint8_t kRandom = 0x02;  // level 2: the trace id is random

  [[nodiscard]] bool sampled() const { return (flags & kSampled) != 0; }
  bool operator==(const TraceParent&) const = default;
};

// nullopt when the value is not valid: the request then starts a trace of its own. Strict for
// version 00; of later versions the part known today is read, version ff is invalid.
std::optional<TraceParent> parse_traceparent(std::string_view value);

struct Span {
  TraceId trace_id{};
  SpanId span_id{};    // of this leg; of the sender's when the trace is not sampled
  SpanId parent_id{};  // zeros: none
  uint8_t flags = 0;

  // A request that came without a traceparent, by the decision of our sampler.
  static Span start(bool sampled, Random& random);
  // A request that came with one: its decision is kept.
  static Span continued(const TraceParent& parent, Random& random);
  // The next hop of this request: a span of its own below this one, or the same ids when there is
  // nothing to record.
  [[nodiscard]] Span child(Random& random) const;

  [[nodiscard]] bool sampled() const { return (flags & TraceParent::kSampled) != 0; }
  // False: nothing to send.
  [[nodiscard]] bool present() const { return trace_id != TraceId{}; }
  // The value of `traceparent` for whoever this span is sent to. The span must be present.
  void format(std::span<char, kTraceparentBytes> out) const;

  bool operator==(const Span&) const = default;
};

}  // namespace layotto::telemetry
