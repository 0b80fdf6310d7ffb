// Chain: who sees what in which order, who answers, and that every filter entered is told the end.
#include "http/chain.h"

#include <gtest/gtest.h>

#include <string>

#include "async/test_loop.h"

namespace layotto::http {
namespace {

using std::chrono::seconds;

// What happened, in order: "a>" a request, "a<" a response, "a." the end.
using Journal = std::string;

class NotingFilter final : public Filter {
 public:
  NotingFilter(char name, Journal& journal, bool answers = false)
      : name_(name), journal_(journal), answers_(answers) {}
  std::optional<Response> on_request(RequestHead& head, Exchange& exchange) override {
    note('>');
    head.headers.add("x-seen", "1", exchange.arena);
    if (!answers_) return {};
    return Response{.head = ResponseHead(403), .body = Body()};
  }
  void on_response(ResponseHead& head, Exchange&) override {
    note('<');
    status = head.status;
  }
  void on_end(const Exchange&) override { note('.'); }

  uint16_t status = 0;

 private:
  void note(char what) {
    journal_ += name_;
    journal_ += what;
  }
  char name_;
  Journal& journal_;
  bool answers_;
};

enum class Around : uint8_t { kPasses, kWaits, kAnswers };

class NotingAround final : public AroundFilter {
 public:
  NotingAround(char name, Journal& journal, Around around)
      : name_(name), journal_(journal), around_(around) {}
  Task<Response> handle(Request request, Exchange& exchange, Next next) override {
    journal_ += name_;
    journal_ += '(';
    if (around_ == Around::kAnswers) {
      return async::ready(Response{.head = ResponseHead(429), .body = Body()});
    }
    if (around_ == Around::kPasses) return next(std::move(request), exchange);
    return wait(this, std::move(request), exchange, next);
  }
  void on_end(const Exchange&) override {
    journal_ += name_;
    journal_ += '.';
  }

 private:
  static Task<Response> wait(NotingAround* self, Request request, Exchange& exchange, Next next) {
    CHECK((co_await exchange.loop().sleep(seconds(1))).ok());
    Response response = co_await next(std::move(request), exchange);
    self->journal_ += self->name_;
    self->journal_ += ')';
    co_return response;
  }
  char name_;
  Journal& journal_;
  Around around_;
};

class NotingHandler final : public Handler {
 public:
  explicit NotingHandler(Journal& journal) : journal_(journal) {}
  Task<Result<Response>> handle(Request request, Exchange& exchange) override {
    journal_ += "H";
    stage = exchange.stage;
    fields = request.head.headers.fields().size();
    if (waits) return wait(fails);
    return fails ? async::failed<Result<Response>>(base::not_found("gone"))
                 : async::ready(Result<Response>(Response{ResponseHead(200), Body()}));
  }

  bool waits = false;
  bool fails = false;
  std::string stage;
  size_t fields = 0;
  async::Loop* loop = nullptr;

 private:
  Task<Result<Response>> wait(bool failing) {
    CHECK((co_await loop->sleep(seconds(1))).ok());
    if (failing) co_return base::not_found("gone");
    co_return Response{ResponseHead(200), Body()};
  }
  Journal& journal_;
};

class ChainTest : public ::testing::Test {
 protected:
  ChainTest() { handler.loop = &test.loop(); }
  ~ChainTest() override { test.stop_and_run(); }

  NotingFilter& filter(char name, bool answers = false) {
    auto made = std::make_unique<NotingFilter>(name, journal, answers);
    NotingFilter& kept = *made;
    chain.add(std::string_view(&name, 1) == "a" ? "first" : "later", std::move(made));
    return kept;
  }
  void around(char name, Around how) {
    chain.add("around", std::make_unique<NotingAround>(name, journal, how));
  }
  // The status; everything that waits is let go on.
  uint16_t run() {
    uint16_t status = 0;
    test.tasks().spawn(&ask, &chain, &exchange, &status);
    test.advance(seconds(5));
    chain.end(exchange);
    return status;
  }
  // Whether the answer was there at once.
  bool is_ready() {
    Task<Response> answer = chain.handle(Request{RequestHead(line), Body()}, exchange);
    const bool ready = answer.is_ready();
    CHECK(ready);
    std::move(answer).take();
    chain.end(exchange);
    return ready;
  }

  async::TestLoop test;
  Journal journal;
  NotingHandler handler{journal};
  Chain chain{handler, "handler"};
  Exchange exchange{test.loop()};
  RequestLine line;

 private:
  static Task<void> ask(Chain* chain, Exchange* exchange, uint16_t* status) {
    static const RequestLine request;
    const Response response =
        co_await chain->handle(Request{RequestHead(request), Body()}, *exchange);
    *status = response.head.status;
  }
};

TEST_F(ChainTest, PassesInAndOutInOppositeOrder) {
  filter('a');
  filter('b');
  EXPECT_EQ(run(), 200);
  EXPECT_EQ(journal, "a>b>Hb<a<b.a.");
  EXPECT_EQ(handler.stage, "handler");
  EXPECT_EQ(handler.fields, 2);
}

TEST_F(ChainTest, IsReadyWhenEverythingOnTheWayIs) {
  filter('a');
  around('r', Around::kPasses);
  filter('b');
  EXPECT_TRUE(is_ready());
  EXPECT_EQ(journal, "a>r(b>Hb<a<b.r.a.");
}

TEST_F(ChainTest, AFilterThatAnswersHidesTheRest) {
  filter('a');
  NotingFilter& answering = filter('b', true);
  filter('c');
  EXPECT_EQ(run(), 403);
  EXPECT_EQ(journal, "a>b>b<a<b.a.");
  EXPECT_EQ(answering.status, 403);
}

TEST_F(ChainTest, AnAroundFilterThatAnswersHidesTheRest) {
  filter('a');
  around('r', Around::kAnswers);
  filter('b');
  EXPECT_EQ(run(), 429);
  EXPECT_EQ(journal, "a>r(a<r.a.");
}

TEST_F(ChainTest, FiltersBehindOneThatWaitsSeeTheSame) {
  filter('a');
  around('r', Around::kWaits);
  filter('b');
  around('s', Around::kWaits);
  filter('c');
  handler.waits = true;
  EXPECT_EQ(run(), 200);
  EXPECT_EQ(journal, "a>r(b>s(c>Hc<s)b<r)a<c.s.b.r.a.");
}

TEST_F(ChainTest, TurnsAnErrorIntoAReplyThatFiltersSee) {
  for (const bool waits : {false, true}) {
    journal.clear();
    exchange.reset();
    handler.fails = true;
    handler.waits = waits;
    NotingFilter& seeing = filter('a');
    EXPECT_EQ(run(), 404);
    EXPECT_EQ(seeing.status, 404);
    ASSERT_TRUE(exchange.failure.has_value());
    EXPECT_EQ(exchange.failure->code(), Code::kNotFound);
  }
}

TEST_F(ChainTest, TellsTheEndOnce) {
  filter('a');
  run();
  chain.end(exchange);
  EXPECT_EQ(journal, "a>Ha<a.");
}

TEST_F(ChainTest, TellsNobodyTheEndOfWhatNeverEntered) {
  filter('a');
  chain.end(exchange);
  EXPECT_EQ(journal, "");
}

TEST_F(ChainTest, ShowsTheStageOfAWaitingRequest) {
  filter('a');
  around('r', Around::kWaits);
  handler.waits = true;
  Task<Response> answer = chain.handle(Request{RequestHead(line), Body()}, exchange);
  EXPECT_EQ(exchange.stage, "around");
  bool done = false;
  test.tasks().spawn_task(
      [](Task<Response> waiting, bool* ended) -> Task<void> {
        co_await std::move(waiting);
        *ended = true;
      }(std::move(answer), &done),
      test.tasks().stop_source());
  test.advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(exchange.stage, "handler");
  test.advance(seconds(1));
  EXPECT_TRUE(done);
  chain.end(exchange);
}

// Overrides one hook: the chain calls no other.
class EndOnly final : public Filter {
 public:
  explicit EndOnly(Journal& journal) : journal_(journal) {}
  void on_end(const Exchange&) override { journal_ += "e."; }

 private:
  Journal& journal_;
};

TEST_F(ChainTest, CallsTheHooksAFilterHas) {
  chain.add("end", std::make_unique<EndOnly>(journal));
  filter('a');
  // By its base: nothing is known of what it overrides, so everything is called.
  chain.add("b", std::unique_ptr<Filter>(std::make_unique<NotingFilter>('b', journal)));
  chain.add("end", std::make_unique<EndOnly>(journal));
  EXPECT_EQ(run(), 200);
  EXPECT_EQ(journal, "a>b>Hb<a<e.b.a.e.");
}

TEST_F(ChainTest, AnAnswerOnTheWayEndsOnlyWhatWasEntered) {
  chain.add("end", std::make_unique<EndOnly>(journal));
  filter('a', /*answers=*/true);
  chain.add("end", std::make_unique<EndOnly>(journal));
  EXPECT_EQ(run(), 403);
  EXPECT_EQ(journal, "a>a<a.e.");
}

}  // namespace
}  // namespace layotto::http
