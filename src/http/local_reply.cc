#include "http/local_reply.h"

#include <array>

namespace layotto::http {
namespace {

struct Mapping {
  uint16_t http;
  std::string_view text;
};

constexpr std::array<Mapping, 17> kTable = {{
    {200, "0"},
    {499, "1"},
    {500, "2"},
    {400, "3"},
    {504, "4"},
    {404, "5"},
    {409, "6"},
    {403, "7"},
    {429, "8"},
    {400, "9"},
    {409, "10"},
    {400, "11"},
    {501, "12"},
    {500, "13"},
    {503, "14"},
    {500, "15"},
    {401, "16"},
}};

constexpr bool is_plain(char c) { return c >= 0x20 && c <= 0x7e && c != '%'; }

Response grpc_reply(const Error& error, Exchange& exchange) {
  Response response{.head = ResponseHead(200), .body = Body()};
  HeaderMap& headers = response.head.headers;
  Arena& arena = exchange.arena;
  headers.add(HeaderId::kContentType, "application/grpc", arena);
  headers.add(HeaderId::kGrpcStatus, grpc_status_text(error.code()), arena);
  if (!error.message().empty()) {
    headers.add(HeaderId::kGrpcMessage, encode_status_message(error.message(), arena), arena);
  }
  for (const HeaderField& field : exchange.trailing_metadata.fields()) {
    headers.add(field.name, field.value, arena);
  }
  exchange.grpc_status = static_cast<int>(error.code());
  return response;
}

}  // namespace

uint16_t http_status_of(Code code) { return kTable[static_cast<size_t>(code)].http; }

std::string_view grpc_status_text(Code code) { return kTable[static_cast<size_t>(code)].text; }

std::string_view encode_status_message(std::string_view message, Arena& arena) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  message = message.substr(0, kStatusMessageBytesMax);
  size_t special = 0;
  for (const char c : message) special += is_plain(c) ? 0 : 1;
  if (special == 0) return arena.copy(message);
  const auto encoded = arena.array<char>(message.size() + 2 * special);
  size_t at = 0;
  for (const char c : message) {
    if (is_plain(c)) {
      encoded[at++] = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded[at++] = '%';
    encoded[at++] = kHex[byte >> 4];
    encoded[at++] = kHex[byte & 15];
  }
  return {encoded.data(), at};
}

Response local_reply(Error error, uint16_t http_status, Exchange& exchange) {
  const bool grpc = exchange.request != nullptr && exchange.request->is_grpc();
  Response response = [&] {
    if (grpc) return grpc_reply(error, exchange);
    Response plain{.head = ResponseHead(http_status), .body = Body()};
    plain.head.headers.add(HeaderId::kContentType, "text/plain; charset=utf-8", exchange.arena);
    const auto text = exchange.arena.array<char>(error.message().size() + 1);
    std::memcpy(text.data(), error.message().data(), error.message().size());
    text.back() = '\n';
    plain.body = Body::complete(Bytes::unowned({text.data(), text.size()}));
    return plain;
  }();
  exchange.failure.emplace(std::move(error));
  return response;
}

Response local_reply(Error error, Exchange& exchange) {
  const uint16_t status = http_status_of(error.code());
  return local_reply(std::move(error), status, exchange);
}

}  // namespace layotto::http
