#include "http/h1/response_writer.h"

#include <algorithm>
#include <charconv>

namespace layotto::http::h1 {
namespace {

enum class Place : uint8_t { kHead, kInterim, kTrailers };

void append_number(uint64_t number, int base, ByteChain& out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(ByteView(digits.data(), static_cast<size_t>(end - digits.data())));
}

void append_field(std::string_view name, std::string_view value, ByteChain& out) {
  out.append(name);
  out.append(": ");
  if (!value.empty()) out.append(value);
  out.append("\r\n");
}

// The connection's own business, not that of whoever answers.
bool is_ours(HeaderId id, Place place, Content content) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return true;
    case HeaderId::kContentLength:
      return place != Place::kHead || content != Content::kAsStated;
    default:
      return false;
  }
}

size_t append_fields(const HeaderMap& headers, Place place, Content content, ByteChain& out) {
  size_t dropped = 0;
  for (const HeaderField& field : headers.fields()) {
    if (is_ours(field.id, place, content)) continue;
    if (!is_header_name(field.name, /*lower_only=*/false) || !is_header_value(field.value)) {
      ++dropped;
      continue;
    }
    append_field(field.name, field.value, out);
  }
  return dropped;
}

void append_status_line(uint16_t status, ByteChain& out) {
  out.append("HTTP/1.1 ");
  append_number(std::clamp<uint16_t>(status, 100, 999), 10, out);
  out.append(" ");
  out.append(reason_phrase(status));
  out.append("\r\n");
}

}  // namespace

size_t append_head(const ResponseHead& head, const HeadFrame& frame, ByteChain& out) {
  append_status_line(head.status, out);
  if (!frame.date.empty() && !head.headers.has(HeaderId::kDate)) {
    append_field("date", frame.date, out);
  }
  if (!frame.server.empty() && !head.headers.has(HeaderId::kServer)) {
    append_field("server", frame.server, out);
  }
  const size_t dropped = append_fields(head.headers, Place::kHead, frame.content, out);
  if (frame.content == Content::kLength) {
    out.append("content-length: ");
    append_number(frame.length, 10, out);
    out.append("\r\n");
  } else if (frame.content == Content::kChunked) {
    out.append("transfer-encoding: chunked\r\n");
  }
  if (frame.connection == ConnectionOption::kClose) out.append("connection: close\r\n");
  if (frame.connection == ConnectionOption::kKeepAlive) out.append("connection: keep-alive\r\n");
  out.append("\r\n");
  return dropped;
}

size_t append_interim(const ResponseHead& head, ByteChain& out) {
  append_status_line(head.status, out);
  const size_t dropped = append_fields(head.headers, Place::kInterim, Content::kNone, out);
  out.append("\r\n");
  return dropped;
}

void append_chunk(Bytes data, ByteChain& out) {
  if (data.empty()) return;
  append_number(data.size(), 16, out);
  out.append("\r\n");
  out.append(std::move(data));
  out.append("\r\n");
}

size_t append_last_chunk(const HeaderMap* trailers, ByteChain& out) {
  size_t dropped = 0;
  out.append("0\r\n");
  if (trailers != nullptr) {
    dropped = append_fields(*trailers, Place::kTrailers, Content::kChunked, out);
  }
  out.append("\r\n");
  return dropped;
}

std::optional<uint64_t> stated_length(const HeaderMap& headers) {
  const auto text = headers.get(HeaderId::kContentLength);
  if (!text.has_value() || text->empty()) return std::nullopt;
  uint64_t length = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, length);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return length;
}

std::string_view DateText::at(TimePoint now, const Clock& clock) {
  using namespace std::chrono;
  if (made_ == TimePoint{} || now - made_ >= seconds(1)) {
    made_ = now;
    constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto wall = floor<seconds>(clock.wall_now());
    const auto midnight = floor<days>(wall);
    const year_month_day day(midnight);
    const hh_mm_ss time(wall - midnight);
    const auto day_at = weekday(midnight).c_encoding() * size_t{3};
    const auto month_at = (static_cast<unsigned>(day.month()) - 1) * size_t{3};
    fmt::format_to_n(text_.data(), text_.size(), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays.substr(day_at, 3), static_cast<unsigned>(day.day()),
                     kMonths.substr(month_at, 3), static_cast<int>(day.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
  }
  return {text_.data(), text_.size()};
}

}  // namespace layotto::http::h1
