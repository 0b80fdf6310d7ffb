// Request and Response: a head and a body, moved through the chain. Small on purpose: texts are
// borrowed from the exchange.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/body.h"
#include "http/header_map.h"

namespace layotto::http {

// Reads go to the decoded block until something is changed.
class RequestHead {
 public:
  explicit RequestHead(const HeaderBlock& block)
      : headers(block), line_(&block.line()), content_(block.content()) {}
  // A request of our own making; `line` lives as long as the exchange.
  explicit RequestHead(const RequestLine& line) : line_(&line) {}

  [[nodiscard]] Method method() const { return line_->method; }
  [[nodiscard]] std::string_view method_text() const { return line_->method_text; }
  // Path and query, as sent; without the query: path_only().
  [[nodiscard]] std::string_view path() const { return line_->path; }
  [[nodiscard]] std::string_view path_only() const { return path().substr(0, path().find('?')); }
  // Without the '?'; empty when there is none.
  [[nodiscard]] std::string_view query() const {
    const size_t mark = path().find('?');
    return mark == std::string_view::npos ? std::string_view() : path().substr(mark + 1);
  }
  [[nodiscard]] std::string_view authority() const { return line_->authority; }
  [[nodiscard]] std::string_view scheme() const { return line_->scheme; }
  [[nodiscard]] Protocol protocol() const { return line_->protocol; }
  [[nodiscard]] const RequestLine& line() const { return *line_; }
  [[nodiscard]] bool is_grpc() const { return content_ == ContentClass::kGrpc; }

  // Replaces the request line; `line` lives as long as the exchange.
  void set_line(const RequestLine& line) { line_ = &line; }
  void set_content(ContentClass content) { content_ = content; }

  HeaderMap headers;

 private:
  const RequestLine* line_;
  ContentClass content_ = ContentClass::kNone;
};

struct ResponseHead {
  explicit ResponseHead(uint16_t status_in) : status(status_in) {}
  ResponseHead(uint16_t status_in, const HeaderBlock& block) : headers(block), status(status_in) {}

  HeaderMap headers;
  uint16_t status;
};

struct Request {
  RequestHead head;
  Body body;
};

struct Response {
  ResponseHead head;
  Body body;
};
static_assert(sizeof(Request) <= 64);
static_assert(sizeof(Response) <= 64);

// The reason phrase of HTTP/1; empty when there is none.
std::string_view reason_phrase(uint16_t status);

}  // namespace layotto::http
