#include "telemetry/trace.h"

#include "base/check.h"

namespace layotto::telemetry {
namespace {

constexpr uint8_t kNoDigit = 0xFF;

// Lower case only, as the recommendation demands.
constexpr std::array<uint8_t, 256> digit_table() {
  std::array<uint8_t, 256> table{};
  table.fill(kNoDigit);
  for (size_t i = 0; i < 10; ++i) table['0' + i] = static_cast<uint8_t>(i);
  for (size_t i = 0; i < 6; ++i) table['a' + i] = static_cast<uint8_t>(10 + i);
  return table;
}
constexpr std::array<uint8_t, 256> kDigits = digit_table();
constexpr std::string_view kHexDigits = "0123456789abcdef";

// Two digits a byte; false when one is no digit.
bool read_hex(const char* from, std::span<uint8_t> bytes) {
  uint8_t bad = 0;
  for (uint8_t& byte : bytes) {
    const uint8_t high = kDigits[static_cast<uint8_t>(*from++)];
    const uint8_t low = kDigits[static_cast<uint8_t>(*from++)];
    bad |= high | low;
    byte = static_cast<uint8_t>(high << 4 | low);
  }
  return (bad & 0xF0) == 0;
}

char* write_hex(char* to, std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) {
    *to++ = kHexDigits[byte >> 4];
    *to++ = kHexDigits[byte & 15];
  }
  return to;
}

template <size_t N>
bool all_zeros(const std::array<uint8_t, N>& id) {
  uint8_t any = 0;
  for (const uint8_t byte : id) any |= byte;
  return any == 0;
}

template <size_t N>
std::array<uint8_t, N> draw(Random& random) {
  std::array<uint8_t, N> id;
  do {
    random.fill({reinterpret_cast<char*>(id.data()), id.size()});
  } while (all_zeros(id));
  return id;
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view value) {
  if (value.size() < kTraceparentBytes) return {};
  const char* const at = value.data();
  std::array<uint8_t, 1> version;
  std::array<uint8_t, 1> flags;
  TraceParent parent;
  const bool digits = read_hex(at, version) && read_hex(at + 3, parent.trace_id) &&
                      read_hex(at + 36, parent.parent_id) && read_hex(at + 53, flags);
  if (!digits || at[2] != '-' || at[35] != '-' || at[52] != '-') return {};
  if (version[0] == 0xFF) return {};
  if (value.size() > kTraceparentBytes && (version[0] == 0 || at[kTraceparentBytes] != '-')) {
    return {};
  }
  if (all_zeros(parent.trace_id) || all_zeros(parent.parent_id)) return {};
  parent.flags = flags[0] & (TraceParent::kSampled | TraceParent::kRandom);
  return parent;
}

Span Span::start(bool sampled, Random& random) {
  if (!sampled) return {};
  return {.trace_id = draw<16>(random), .span_id = draw<8>(random), .flags = TraceParent::kSampled};
}

Span Span::continued(const TraceParent& parent, Random& random) {
  return {.trace_id = parent.trace_id,
          .span_id = parent.sampled() ? draw<8>(random) : parent.parent_id,
          .parent_id = parent.parent_id,
          .flags = parent.flags};
}

Span Span::child(Random& random) const {
  if (!sampled()) return *this;
  return {.trace_id = trace_id, .span_id = draw<8>(random), .parent_id = span_id, .flags = flags};
}

void Span::format(std::span<char, kTraceparentBytes> out) const {
  DCHECK(present());
  char* at = out.data();
  *at++ = '0';
  *at++ = '0';
  *at++ = '-';
  at = write_hex(at, trace_id);
  *at++ = '-';
  at = write_hex(at, span_id);
  *at++ = '-';
  write_hex(at, std::array<uint8_t, 1>{flags});
}

}  // namespace layotto::telemetry
