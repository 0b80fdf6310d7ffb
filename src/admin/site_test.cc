// Site: which page answers what, who may change something, and what the others are told.
#include "admin/site.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "async/test_loop.h"
#include "http/chain.h"
#include "telemetry/prometheus.h"

namespace layotto::admin {
namespace {

using http::HeaderId;
using Fields = std::vector<std::pair<std::string, std::string>>;

// Somebody at the end of a Unix socket.
class UnixConnection final : public net::Connection {
 public:
  explicit UnixConnection(async::Loop& loop)
      : Connection(loop),
        readable_(loop),
        address_(*net::Address::unix_path("/run/layotto/layotto.sock")) {}
  net::ReadResult read_some(std::span<char>) override { return {net::ReadOutcome::kWouldBlock}; }
  async::Readiness& readable() override { return readable_; }
  void finish_writing() override {}
  void close(Close) override {}
  [[nodiscard]] const net::Address& peer() const override { return address_; }
  [[nodiscard]] const net::Address& local() const override { return address_; }

 private:
  void at_pass_end() override {}

  async::Readiness readable_;
  net::Address address_;
};

// What a client sees.
struct Seen {
  uint16_t status = 0;
  std::string body;
  std::string type;
  std::string allow;
  std::string cache;
  std::string reason;  // for the access log
};

class AdminSite : public ::testing::Test {
 protected:
  void make(Site::Options options) {
    site.emplace(options);
    add("/read", PageKind::kRead);
    add("/act", PageKind::kAction);
    add("/both", PageKind::kReadOrAction);
    add("/tree/", PageKind::kRead);
    add("/tree/deep/", PageKind::kRead);
    add("/tree/deep/leaf", PageKind::kRead);
    site->add({.path = "/broken", .summary = "fails", .function = [](const PageRequest&) {
                 return async::failed<Result<PageReply>>(base::unavailable("not today"));
               }});
    site->add({.path = "/down", .summary = "says no", .function = [](const PageRequest&) {
                 return async::ready(Result<PageReply>(PageReply{.status = 500, .body = "{}"}));
               }});
  }
  // A page that says who it is and what it was asked.
  void add(const std::string& path, PageKind kind) {
    site->add({.path = path,
               .summary = "summary of " + path,
               .kind = kind,
               .function = [path](const PageRequest& request) {
                 std::string body = path + (request.posted ? " posted" : "");
                 if (!request.query.empty()) body += " ?" + std::string(request.query);
                 if (!request.body.empty()) body += fmt::format(" {} bytes", request.body.size());
                 return async::ready(Result<PageReply>(PageReply{.body = std::move(body)}));
               }});
  }

  Seen ask(std::string_view method, std::string_view path, const Fields& fields = {},
           std::string_view body = {}, std::string_view host = "127.0.0.1:34999") {
    if (!site.has_value()) make({.actions = true, .metrics = &shard});
    http::Exchange exchange(test.loop());
    exchange.connection = connection;
    exchange.head_block = http::HeaderBlockRef(http::HeaderBlock::make());
    exchange.head_block->line() = {
        .method_text = method, .path = path, .authority = host, .method = http::method_of(method)};
    for (const auto& [name, value] : fields) exchange.head_block->add(name, value);
    const http::RequestHead head(*exchange.head_block.get());
    exchange.request = &head;
    http::Chain chain(*site, "site");
    http::Request request{.head = head, .body = http::Body::complete(Bytes::copy(body))};
    const http::Response response = test.run(chain.handle(std::move(request), exchange));
    const auto text = [&](HeaderId id) {
      return std::string(response.head.headers.get(id).value_or(""));
    };
    return {.status = response.head.status,
            .body = std::string(response.body.bytes()),
            .type = text(HeaderId::kContentType),
            .allow = text(HeaderId::kAllow),
            .cache = text(HeaderId::kCacheControl),
            .reason = std::string(exchange.failure_reason)};
  }
  uint16_t post_to(std::string_view host) { return ask("POST", "/act", {}, {}, host).status; }

  async::TestLoop test;
  telemetry::Metrics metrics;
  telemetry::Shard shard{metrics};
  const net::Connection* connection = nullptr;
  std::optional<Site> site;
};

// ---- which page

TEST_F(AdminSite, AnswersByPath) {
  const Seen seen = ask("GET", "/read");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, "/read");
  EXPECT_EQ(seen.type, "application/json");
  EXPECT_EQ(seen.cache, "no-store");
}

TEST_F(AdminSite, PassesTheQueryOn) {
  EXPECT_EQ(ask("GET", "/read?module=a%20b&x").body, "/read ?module=a%20b&x");
  EXPECT_EQ(ask("GET", "/read?").body, "/read");
}

TEST_F(AdminSite, ThereAreNoOtherPaths) {
  for (const char* path : {"/nothing", "/read/", "/readable", "/Read", "/rea", "//read", "*", ""}) {
    const Seen seen = ask("GET", path);
    EXPECT_EQ(seen.status, 404) << path;
    EXPECT_NE(seen.body.find("/ lists those there are"), std::string::npos) << path;
    EXPECT_EQ(seen.reason, "no_such_page") << path;
  }
  EXPECT_EQ(ask("POST", "/nothing").status, 404);
}

TEST_F(AdminSite, SaysNothingAboutUnknownActuatorPathsAsLayottoDoes) {
  const Seen seen = ask("GET", "/actuator/nothing");
  EXPECT_EQ(seen.status, 404);
  EXPECT_EQ(seen.body, "");
  EXPECT_EQ(seen.type, "application/json");
}

TEST_F(AdminSite, TheLongestPrefixAnswersAndAnExactPathBeforeAnyPrefix) {
  EXPECT_EQ(ask("GET", "/tree/").body, "/tree/");
  EXPECT_EQ(ask("GET", "/tree/any/thing").body, "/tree/");
  EXPECT_EQ(ask("GET", "/tree/deep/").body, "/tree/deep/");
  EXPECT_EQ(ask("GET", "/tree/deep/x?q").body, "/tree/deep/ ?q");
  EXPECT_EQ(ask("GET", "/tree/deep/leaf").body, "/tree/deep/leaf");
  EXPECT_EQ(ask("GET", "/tree/deeper").body, "/tree/");
  EXPECT_EQ(ask("GET", "/tree").status, 404);
}

TEST_F(AdminSite, HeadHasNoBody) {
  for (const char* path : {"/read", "/both", "/tree/x", "/"}) {
    const Seen seen = ask("HEAD", path);
    EXPECT_EQ(seen.status, 200) << path;
    EXPECT_EQ(seen.body, "") << path;
    EXPECT_EQ(seen.type, ask("GET", path).type) << path;
  }
}

TEST_F(AdminSite, TheIndexListsEveryPageByPath) {
  const Seen seen = ask("GET", "/");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "text/plain; charset=utf-8");
  EXPECT_EQ(seen.cache, "no-store");
  size_t before = 0;
  for (const char* line :
       {"POST  /act ", "GET   /both ", "GET   /broken ", "GET   /down ", "GET   /read ",
        "GET   /tree/ ", "GET   /tree/deep/ ", "GET   /tree/deep/leaf "}) {
    const size_t at = seen.body.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    EXPECT_GT(at, before) << line;
    before = at;
  }
  EXPECT_NE(seen.body.find("summary of /both"), std::string::npos);
  EXPECT_EQ(ask("GET", "/?x=1").body, seen.body);
}

// ---- methods

TEST_F(AdminSite, RefusesOtherMethodsAndSaysWhichThereAre) {
  struct Case {
    const char* path;
    std::vector<const char*> refused;
    const char* allow;
  };
  for (const Case& c :
       {Case{"/read", {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "BREW"}, "GET, HEAD"},
        Case{"/tree/x", {"POST"}, "GET, HEAD"},
        Case{"/act", {"GET", "HEAD", "PUT", "DELETE"}, "POST"},
        Case{"/both", {"PUT", "DELETE", "OPTIONS"}, "GET, HEAD, POST"},
        Case{"/", {"POST", "PUT", "DELETE"}, "GET, HEAD"}}) {
    for (const char* method : c.refused) {
      const Seen seen = ask(method, c.path);
      EXPECT_EQ(seen.status, 405) << method << " " << c.path;
      EXPECT_EQ(seen.allow, c.allow) << method << " " << c.path;
      EXPECT_EQ(seen.reason, "wrong_method") << method << " " << c.path;
      EXPECT_NE(seen.body.find(c.allow), std::string::npos) << method << " " << c.path;
    }
  }
}

TEST_F(AdminSite, APageThatDoesBothSeesWhich) {
  EXPECT_EQ(ask("GET", "/both?level=debug").body, "/both ?level=debug");
  EXPECT_EQ(ask("POST", "/both?level=debug").body, "/both posted ?level=debug");
}

TEST_F(AdminSite, PassesThePostedBodyUpToItsLimit) {
  EXPECT_EQ(ask("POST", "/act", {}, "12345").body, "/act posted 5 bytes");
  EXPECT_EQ(ask("POST", "/act", {}, std::string(kPostBytesMax, 'x')).body,
            "/act posted 65536 bytes");
  const Seen refused = ask("POST", "/act", {}, std::string(kPostBytesMax + 1, 'x'));
  EXPECT_EQ(refused.status, 413);
  EXPECT_NE(refused.body.find("65536"), std::string::npos) << refused.body;
}

// ---- what changes something

TEST_F(AdminSite, WithoutActionsThereAreNone) {
  make({.actions = false, .metrics = nullptr});
  EXPECT_EQ(ask("POST", "/act").status, 404);
  EXPECT_EQ(ask("GET", "/act").status, 404);
  EXPECT_EQ(ask("GET", "/").body.find("/act"), std::string::npos);
  EXPECT_EQ(ask("GET", "/both").status, 200);
  const Seen refused = ask("POST", "/both");
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("use the admin listener"), std::string::npos);
}

TEST_F(AdminSite, RefusesAPostThatAWebPageSends) {
  for (const char* origin : {"https://evil.example", "null", "http://127.0.0.1:34999", ""}) {
    const Seen seen = ask("POST", "/act", {{"origin", origin}});
    EXPECT_EQ(seen.status, 403) << origin;
    EXPECT_EQ(seen.reason, "foreign_origin") << origin;
  }
  EXPECT_EQ(ask("GET", "/read", {{"origin", "https://evil.example"}}).status, 200);
}

TEST_F(AdminSite, TakesPostsToAddressesAndToLocalhost) {
  for (const char* host : {"127.0.0.1:34999", "127.0.0.1", "10.1.2.3:80", "[::1]:34999", "[::1]",
                           "[fe80::1]:1", "localhost", "localhost:34999", "LocalHost:34999"}) {
    EXPECT_EQ(post_to(host), 200) << host;
  }
}

TEST_F(AdminSite, RefusesPostsToOtherNames) {
  for (const char* host :
       {"", ":34999", "evil.example", "evil.example:34999", "localhost.evil.example",
        "127.0.0.1.evil.example", "notlocalhost", "[::1", "[]", "[]:34999", "::1", "[localhost]",
        "[::1]evil.example", "user@localhost", "127.0.0.1@evil.example"}) {
    EXPECT_EQ(post_to(host), 403) << host;
  }
}

TEST_F(AdminSite, AUnixSocketHasNoHostNames) {
  const UnixConnection unix_connection(test.loop());
  connection = &unix_connection;
  for (const char* host : {"", "anything", "layotto.example"})
    EXPECT_EQ(post_to(host), 200) << host;
  EXPECT_EQ(ask("POST", "/act", {{"origin", "null"}}).status, 403);
}

// ---- failures

TEST_F(AdminSite, AFailureIsOneLineOfTextWithItsStatus) {
  const Seen seen = ask("GET", "/broken");
  EXPECT_EQ(seen.status, 503);
  EXPECT_EQ(seen.type, "text/plain; charset=utf-8");
  EXPECT_EQ(seen.body, "not today\n");
}

TEST_F(AdminSite, APageMayHaveAStatusOfItsOwn) {
  const Seen seen = ask("GET", "/down");
  EXPECT_EQ(seen.status, 500);
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.type, "application/json");
}

// ---- parameters

TEST(PageRequest, DecodesParameters) {
  const PageRequest request{.query = "module=a%2Fb+c&level=&flag&x=1&x=2&%6eame=v&bad=%zz%4"};
  EXPECT_EQ(request.parameter("module"), "a/b c");
  EXPECT_EQ(request.parameter("level"), "");
  EXPECT_EQ(request.parameter("flag"), "");
  EXPECT_EQ(request.parameter("x"), "1");
  EXPECT_EQ(request.parameter("name"), "v");
  EXPECT_EQ(request.parameter("bad"), "%zz%4");
  EXPECT_EQ(request.parameter("nobody"), std::nullopt);
  EXPECT_EQ(request.parameter(""), std::nullopt);
  EXPECT_EQ(PageRequest{}.parameter("module"), std::nullopt);
  const PageRequest odd{.query = "&&=&a=b=c&"};
  EXPECT_EQ(odd.parameter("a"), "b=c");
}

}  // namespace
}  // namespace layotto::admin
