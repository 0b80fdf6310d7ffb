// Frames of HTTP/2 on the wire, RFC 9113 §4.1 and §6.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace layotto::http::h2 {

enum class FrameType : uint8_t {
  kData = 0x0,
  kHeaders = 0x1,
  kPriority = 0x2,
  kRstStream = 0x3,
  kSettings = 0x4,
  kPushPromise = 0x5,
  kPing = 0x6,
  kGoaway = 0x7,
  kWindowUpdate = 0x8,
  kContinuation = 0x9,
};

inline constexpr uint8_t kFlagEndStream = 0x1;
inline constexpr uint8_t kFlagAck = 0x1;
inline constexpr uint8_t kFlagEndHeaders = 0x4;
inline constexpr uint8_t kFlagPadded = 0x8;
inline constexpr uint8_t kFlagPriority = 0x20;

// RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1.
enum class Setting : uint16_t {
  kHeaderTableSize = 0x1,
  kEnablePush = 0x2,
  kMaxConcurrentStreams = 0x3,
  kInitialWindowSize = 0x4,
  kMaxFrameSize = 0x5,
  kMaxHeaderListSize = 0x6,
  kEnableConnectProtocol = 0x8,
  kNoRfc7540Priorities = 0x9,
};

inline constexpr size_t kFrameHeadBytes = 9;
inline constexpr size_t kSettingBytes = 6;
inline constexpr uint32_t kStreamIdMax = 0x7fffffff;
inline constexpr int64_t kWindowMax = 0x7fffffff;
inline constexpr uint32_t kDefaultWindow = 65535;
inline constexpr uint32_t kDefaultFrameBytes = 16'384;
inline constexpr uint32_t kFrameBytesCeiling = 0xffffff;

static_assert(std::endian::native == std::endian::little);

struct FrameHead {
  uint32_t length = 0;
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  uint32_t stream = 0;

  [[nodiscard]] bool has(uint8_t flag) const { return (flags & flag) != 0; }
};

inline uint32_t read_u32(const char* from) {
  uint32_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap32(value);
}
inline uint16_t read_u16(const char* from) {
  uint16_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap16(value);
}
inline void write_u32(char* to, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof(value));
}

inline FrameHead read_frame_head(const char* from) {
  return {.length = read_u32(from) >> 8,
          .type = static_cast<FrameType>(from[3]),
          .flags = static_cast<uint8_t>(from[4]),
          .stream = read_u32(from + 5) & kStreamIdMax};
}
inline void write_frame_head(char* to, const FrameHead& head) {
  write_u32(to, head.length << 8 | static_cast<uint32_t>(head.type));
  to[4] = static_cast<char>(head.flags);
  write_u32(to + 5, head.stream);
}

}  // namespace layotto::http::h2
