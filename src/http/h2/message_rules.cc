#include "http/h2/message_rules.h"

#include <array>
#include <charconv>
#include <cstring>

namespace layotto::http::h2 {
namespace {

constexpr size_t kFieldOverhead = 32;  // RFC 9113 §6.5.2

enum CharacterClass : uint8_t { kPathChar = 1, kAuthorityChar = 2, kSchemeChar = 4 };

constexpr auto make_classes() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0x21; c < 256; ++c) {
    if (c != 0x7f) classes[c] |= kPathChar;
  }
  const auto alphanumeric = [&](uint8_t mark) {
    for (char c = '0'; c <= '9'; ++c) classes[static_cast<unsigned char>(c)] |= mark;
    for (char c = 'a'; c <= 'z'; ++c) classes[static_cast<unsigned char>(c)] |= mark;
    for (char c = 'A'; c <= 'Z'; ++c) classes[static_cast<unsigned char>(c)] |= mark;
  };
  alphanumeric(kAuthorityChar | kSchemeChar);
  // No "@": there is no userinfo here, RFC 9113 §8.3.1.
  for (const char c : std::string_view("-._~!$&'()*+,;=:%[]")) {
    classes[static_cast<unsigned char>(c)] |= kAuthorityChar;
  }
  for (const char c : std::string_view("+-."))
    classes[static_cast<unsigned char>(c)] |= kSchemeChar;
  return classes;
}
constexpr auto kClasses = make_classes();

bool all_of(std::string_view text, CharacterClass wanted) {
  for (const char c : text) {
    if ((kClasses[static_cast<unsigned char>(c)] & wanted) == 0) return false;
  }
  return true;
}

bool is_scheme(std::string_view text) {
  if (text.empty() || !all_of(text, kSchemeChar)) return false;
  const char first = text[0];
  return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
}

// Printable ASCII is the rule: eight bytes at a time, the careful look only for the others.
bool is_plain_value(std::string_view value) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const char* at = value.data();
  size_t left = value.size();
  for (; left >= sizeof(uint64_t); at += sizeof(uint64_t), left -= sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    const uint64_t below_space = (word - kOnes * 0x20) & ~word;
    const uint64_t is_delete = ((word ^ (kOnes * 0x7f)) - kOnes) & ~(word ^ (kOnes * 0x7f));
    if (((below_space | is_delete | word) & kHighBits) != 0) return false;
  }
  for (; left > 0; ++at, --left) {
    if (*at < 0x20 || *at == 0x7f) return false;
  }
  return true;
}

bool is_value(std::string_view value) {
  if (value.empty()) return true;
  if (value.front() == ' ' || value.back() == ' ') return false;
  return is_plain_value(value) || is_header_value(value);
}

}  // namespace

void MessageRules::add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (malformed_) return;
  if (bytes_ > bytes_kept_max_) too_large_ = true;
  if (!name.empty() && name[0] == ':') {
    add_pseudo(name, value);
    return;
  }
  regular_seen_ = true;
  if (!too_large_) add_regular(name, value);
}

// A pseudo header field of messages of this kind, once.
void MessageRules::take(Pseudo pseudo, BlockKind kind) {
  if (kind_ != kind || (pseudo_seen_ & pseudo) != 0) malformed_ = true;
  pseudo_seen_ |= pseudo;
}

void MessageRules::add_pseudo(std::string_view name, std::string_view value) {
  if (regular_seen_) {
    malformed_ = true;
    return;
  }
  RequestLine& line = block_.line();
  const auto kept = [&] { return too_large_ ? std::string_view() : block_.arena().copy(value); };
  if (name == ":path") {
    take(kPath, BlockKind::kRequest);
    if (value.empty() || !all_of(value, kPathChar)) malformed_ = true;
    line.path = kept();
  } else if (name == ":method") {
    take(kMethod, BlockKind::kRequest);
    if (!is_header_name(value, /*lower_only=*/false)) malformed_ = true;  // both are tokens
    line.method_text = kept();
    line.method = method_of(value);
  } else if (name == ":scheme") {
    take(kScheme, BlockKind::kRequest);
    if (!is_scheme(value)) malformed_ = true;
    line.scheme = kept();
  } else if (name == ":authority") {
    take(kAuthority, BlockKind::kRequest);
    if (!all_of(value, kAuthorityChar)) malformed_ = true;
    line.authority = kept();
  } else if (name == ":status") {
    take(kStatus, BlockKind::kResponse);
    uint16_t status = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), status);
    if (value.size() != 3 || error != std::errc() || end != value.data() + 3 || status < 100 ||
        status == 101) {
      malformed_ = true;  // 101 has no meaning in HTTP/2, §8.6
    }
    block_.set_status(status);
  } else if (name == ":protocol" && limits_.extended_connect) {
    take(kProtocol, BlockKind::kRequest);
    if (!is_header_name(value, /*lower_only=*/false)) malformed_ = true;
    line.connect_protocol = kept();
  } else {
    malformed_ = true;
  }
}

void MessageRules::add_regular(std::string_view name, std::string_view value) {
  const HeaderId id = header_id(name);
  switch (id) {
    case HeaderId::kOther:
      if (!is_header_name(name, /*lower_only=*/true)) malformed_ = true;
      break;
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      malformed_ = true;  // §8.2.2
      return;
    case HeaderId::kTe:
      if (value != "trailers") malformed_ = true;
      break;
    case HeaderId::kHost:
      if ((block_.present() & (uint64_t{1} << static_cast<int>(HeaderId::kHost))) != 0 ||
          !all_of(value, kAuthorityChar)) {
        malformed_ = true;
      }
      break;
    case HeaderId::kContentLength: {
      if (kind_ == BlockKind::kTrailers) break;
      int64_t length = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
      const bool digits = !value.empty() && value[0] >= '0' && value[0] <= '9';
      if (content_length_ >= 0 || !digits || error != std::errc() ||
          end != value.data() + value.size()) {
        malformed_ = true;
        return;
      }
      content_length_ = length;
      break;
    }
    default:
      break;
  }
  if (malformed_ || !is_value(value)) {
    malformed_ = true;
    return;
  }
  if (block_.fields().size() >= limits_.fields_max) {
    too_large_ = true;
    return;
  }
  block_.add_known(id, name, value);
}

void MessageRules::check_request() {
  const RequestLine& line = block_.line();
  const bool connect = line.method == Method::kConnect;
  if (connect && (pseudo_seen_ & kProtocol) == 0) {
    // §8.5: the authority and nothing else.
    if (pseudo_seen_ != (kMethod | kAuthority) || line.authority.empty()) malformed_ = true;
    return;
  }
  if ((pseudo_seen_ & kProtocol) != 0 && !connect) malformed_ = true;
  constexpr uint8_t kNeeded = kMethod | kScheme | kPath;
  if ((pseudo_seen_ & kNeeded) != kNeeded) {
    malformed_ = true;
    return;
  }
  const bool has_host =
      (block_.present() & (uint64_t{1} << static_cast<int>(HeaderId::kHost))) != 0;
  if (line.authority.empty() && !has_host) malformed_ = true;
  if (line.scheme == "http" || line.scheme == "https") {
    const bool asterisk = line.path == "*" && line.method == Method::kOptions;
    if (!line.path.starts_with('/') && !asterisk) malformed_ = true;
  }
}

void MessageRules::finish() {
  if (malformed_) return;
  switch (kind_) {
    case BlockKind::kRequest:
      if (!too_large_) check_request();
      if (block_.line().method == Method::kConnect) content_length_ = kTunnel;
      if (block_.line().authority.empty()) {
        block_.line().authority =
            HeaderMap(block_).get(HeaderId::kHost).value_or(std::string_view());
      }
      break;
    case BlockKind::kResponse:
      if ((pseudo_seen_ & kStatus) == 0) malformed_ = true;
      break;
    case BlockKind::kTrailers:
      break;
  }
}

}  // namespace layotto::http::h2
