// Local replies: the one table that turns an Error into a Response. A gRPC request gets HTTP 200
// with grpc-status and grpc-message in the head (a trailers-only reply), any other request an HTTP
// status and the message as text/plain.
//
// | Code               | HTTP | Code               | HTTP |
// | CANCELLED          | 499  | FAILED_PRECONDITION| 400  |
// | UNKNOWN            | 500  | ABORTED            | 409  |
// | INVALID_ARGUMENT   | 400  | OUT_OF_RANGE       | 400  |
// | DEADLINE_EXCEEDED  | 504  | UNIMPLEMENTED      | 501  |
// | NOT_FOUND          | 404  | INTERNAL           | 500  |
// | ALREADY_EXISTS     | 409  | UNAVAILABLE        | 503  |
// | PERMISSION_DENIED  | 403  | DATA_LOSS          | 500  |
// | RESOURCE_EXHAUSTED | 429  | UNAUTHENTICATED    | 401  |
#pragma once

#include <string_view>

#include "base/error.h"
#include "http/exchange.h"
#include "http/message.h"

namespace layotto::http {

uint16_t http_status_of(Code code);

// Keeps the error in exchange.failure. The texts live in the exchange's arena.
Response local_reply(Error error, Exchange& exchange);
// The same with an HTTP status of its own for requests that are not gRPC (413, 431, 405…).
Response local_reply(Error error, uint16_t http_status, Exchange& exchange);

// grpc-message on the wire: percent-encoding of everything but printable ASCII without '%'
// (gRPC over HTTP/2, "Status-Message"). Copied into the arena unless nothing has to change; cut
// after kStatusMessageBytesMax bytes.
inline constexpr size_t kStatusMessageBytesMax = 4096;
std::string_view encode_status_message(std::string_view message, Arena& arena);

// "0" … "16".
std::string_view grpc_status_text(Code code);

}  // namespace layotto::http
