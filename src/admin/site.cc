#include "admin/site.h"

#include <algorithm>
#include <utility>

#include "http/h1/fields.h"
#include "http/local_reply.h"
#include "net/address.h"

namespace layotto::admin {
namespace {

using http::HeaderId;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// Ours: an IP address, localhost, or nothing (a Unix socket's client may say anything). A name that
// resolves to us by somebody else's DNS is not.
bool is_own_host(std::string_view authority, const http::Exchange& exchange) {
  if (exchange.connection != nullptr && exchange.connection->local().is_unix()) return true;
  if (!authority.starts_with('[')) {
    const std::string_view host = authority.substr(0, authority.find(':'));
    return http::h1::equals_ignoring_case(host, "localhost") || net::Address::ip(host, 0).ok();
  }
  const size_t end = authority.find(']');
  if (end == std::string_view::npos) return false;
  const std::string_view host = authority.substr(1, end - 1);
  const std::string_view port = authority.substr(end + 1);
  return (port.empty() || port.starts_with(':')) && net::Address::ip(host, 0).ok();
}

http::Response make_response(const PageReply& reply, bool head_only, http::Exchange& exchange) {
  http::Response response{.head = http::ResponseHead(reply.status), .body = http::Body()};
  Arena& arena = exchange.arena;
  response.head.headers.add(HeaderId::kContentType, reply.content_type, arena);
  response.head.headers.add(HeaderId::kCacheControl, "no-store", arena);
  if (!head_only) response.body = http::Body::complete(Bytes::copy(reply.body));
  return response;
}

http::Response wrong_method(std::string_view path, PageKind kind, http::Exchange& exchange) {
  const std::string_view methods = kind == PageKind::kRead     ? "GET, HEAD"
                                   : kind == PageKind::kAction ? "POST"
                                                               : "GET, HEAD, POST";
  exchange.failure_reason = "wrong_method";
  http::Response refused =
      http::local_reply(base::invalid_argument("{} is for {}", path, methods), 405, exchange);
  refused.head.headers.add(HeaderId::kAllow, methods, exchange.arena);
  return refused;
}

}  // namespace

std::optional<std::string> PageRequest::parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = item.find('=');
    if (percent_decode(item.substr(0, equals)) != name) continue;
    return equals == std::string_view::npos ? std::string()
                                            : percent_decode(item.substr(equals + 1));
  }
  return std::nullopt;
}

void Site::add(Page page) {
  if (page.kind == PageKind::kAction && !options_.actions) return;
  Entry entry{.page = std::move(page), .stats = nullptr};
  if (options_.metrics != nullptr) {
    entry.stats = std::make_unique<http::OperationStats>(*options_.metrics, "page");
  }
  entries_.push_back(std::move(entry));
}

const Site::Entry* Site::find(std::string_view path) const {
  const Entry* best = nullptr;
  for (const Entry& entry : entries_) {
    const std::string& own = entry.page.path;
    if (own == path) return &entry;
    if (own.ends_with('/') && path.starts_with(own) &&
        (best == nullptr || own.size() > best->page.path.size())) {
      best = &entry;
    }
  }
  return best;
}

Task<Result<http::Response>> Site::handle(http::Request request, http::Exchange& exchange) {
  using Answer = Result<http::Response>;
  const std::string_view path = request.head.path_only();
  const bool head_only = request.head.method() == http::Method::kHead;
  const bool reading = head_only || request.head.method() == http::Method::kGet;
  if (path == "/") {
    return async::ready(Answer(reading ? make_response(index(), head_only, exchange)
                                       : wrong_method(path, PageKind::kRead, exchange)));
  }
  const Entry* entry = find(path);
  if (entry == nullptr) {
    exchange.failure_reason = "no_such_page";
    // Layotto's actuator says nothing on unknown paths.
    if (path.starts_with("/actuator")) {
      return async::ready(Answer(make_response({.status = 404, .body = {}}, true, exchange)));
    }
    return async::failed<Answer>(
        base::not_found("there is no page {}; / lists those there are", path));
  }
  exchange.operation = "page";
  exchange.stats = entry->stats.get();
  const PageKind kind = entry->page.kind;
  const bool posting = request.head.method() == http::Method::kPost;
  const bool allowed =
      (reading && kind != PageKind::kAction) || (posting && kind != PageKind::kRead);
  if (!allowed) {
    return async::ready(Answer(wrong_method(path, kind, exchange)));
  }
  if (posting) {
    if (!options_.actions) {
      return async::failed<Answer>(
          base::permission_denied("this listener serves read-only pages; use the admin listener"));
    }
    if (request.head.headers.has(HeaderId::kOrigin) ||
        !is_own_host(request.head.authority(), exchange)) {
      exchange.failure_reason = "foreign_origin";
      return async::failed<Answer>(base::permission_denied(
          "refused: the request comes from a web page or was addressed to another host name"));
    }
  }
  return serve(*entry, std::move(request), exchange);
}

Task<Result<http::Response>> Site::serve(const Entry& entry, http::Request request,
                                         http::Exchange& exchange) {
  const Result<Bytes> body = co_await http::read_all(request.body, kPostBytesMax);
  if (!body.ok()) {
    if (body.error().code() != Code::kResourceExhausted) co_return body.error().clone();
    exchange.failure_reason = "body_too_large";
    co_return http::local_reply(body.error().clone(), 413, exchange);
  }
  const PageRequest page{.query = request.head.query(),
                         .body = body->view(),
                         .posted = request.head.method() == http::Method::kPost};
  CO_TRY(PageReply reply, co_await entry.page.function(page));
  co_return make_response(reply, request.head.method() == http::Method::kHead, exchange);
}

PageReply Site::index() const {
  std::string text = "Layotto\n\n";
  std::vector<const Page*> pages;
  for (const Entry& entry : entries_) pages.push_back(&entry.page);
  std::sort(pages.begin(), pages.end(),
            [](const Page* a, const Page* b) { return a->path < b->path; });
  for (const Page* page : pages) {
    text += fmt::format("{:<5} {:<32} {}\n", page->kind == PageKind::kAction ? "POST" : "GET",
                        page->path, page->summary);
  }
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

}  // namespace layotto::admin
