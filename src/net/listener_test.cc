#include "net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>

#include "async/test_loop.h"
#include "net/limits.h"

namespace layotto::net {
namespace {

using async::TestLoop;
using std::chrono::milliseconds;

class Accepting final : public Acceptor {
 public:
  ~Accepting() { close_all(); }
  void accepted(int fd) override {
    fds.push_back(fd);
    if (on_accept) on_accept();
  }
  void close_all() {
    for (const int fd : fds) close(fd);
    fds.clear();
  }
  std::vector<int> fds;
  std::function<void()> on_accept;
};

ListeningSocket listen_somewhere() {
  auto opened = ListeningSocket::open(*Address::parse("127.0.0.1:0"), {});
  EXPECT_TRUE(opened.ok());
  return std::move(*opened);
}

// A connected client; -1 when there are no descriptors left for it.
int connect_to(const Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) EXPECT_EQ(connect(fd, address.data(), address.length()), 0);
  return fd;
}

// Leaves the process exactly `count` free descriptors while it lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t count) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int next = dup(0);
    close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next) + count;
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Listener, HandsOverEveryConnection) {
  TestLoop test;
  Accepting acceptor;
  Listener listener(test.loop(), listen_somewhere(), acceptor);
  const int early = connect_to(listener.address());  // before anyone watches
  ASSERT_TRUE(listener.start().ok());
  test.run();
  EXPECT_EQ(acceptor.fds.size(), 1U);
  const int late = connect_to(listener.address());
  test.run();
  EXPECT_EQ(acceptor.fds.size(), 2U);
  EXPECT_EQ(listener.accepted(), 2U);
  EXPECT_EQ(fcntl(acceptor.fds[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(fcntl(acceptor.fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  close(early);
  close(late);
}

TEST(Listener, ComesBackForWhatIsOverTheLimitOfOnePass) {
  TestLoop test;
  Accepting acceptor;
  Listener listener(test.loop(), listen_somewhere(), acceptor);
  std::vector<int> clients;
  clients.reserve(kAcceptsPerPassMax + 10);
  for (int i = 0; i < kAcceptsPerPassMax + 10; ++i)
    clients.push_back(connect_to(listener.address()));
  ASSERT_TRUE(listener.start().ok());
  test.loop().run_once(Duration(0));
  EXPECT_EQ(listener.accepted(), static_cast<uint64_t>(kAcceptsPerPassMax));
  test.advance(milliseconds(2));
  EXPECT_EQ(listener.accepted(), clients.size());
  for (const int fd : clients) close(fd);
}

TEST(Listener, PausesWhenThereAreNoDescriptors) {
  TestLoop test;
  Accepting acceptor;
  Listener listener(test.loop(), listen_somewhere(), acceptor);
  ASSERT_TRUE(listener.start().ok());
  test.run();
  int first = -1;
  int second = -1;
  {
    const FewDescriptors few(2);
    first = connect_to(listener.address());
    second = connect_to(listener.address());
    test.run();
    EXPECT_EQ(listener.accepted(), 0U);
    EXPECT_EQ(listener.accept_errors(), 1U) << "a pause, not a try per connection";
    test.advance(kAcceptPause + milliseconds(1));
    EXPECT_EQ(listener.accept_errors(), 2U);
  }
  test.advance(kAcceptPause + milliseconds(1));
  EXPECT_EQ(listener.accepted(), 2U);
  EXPECT_EQ(listener.accept_errors(), 2U);
  close(first);
  close(second);
}

TEST(Listener, MayBeClosedByItsAcceptor) {
  TestLoop test;
  Accepting acceptor;
  Listener listener(test.loop(), listen_somewhere(), acceptor);
  const int first = connect_to(listener.address());
  const int second = connect_to(listener.address());
  acceptor.on_accept = [&] { listener.close(); };
  ASSERT_TRUE(listener.start().ok());
  test.run();
  EXPECT_EQ(listener.accepted(), 1U);
  EXPECT_TRUE(listener.address().is_ip()) << "still known when closed";
  listener.close();
  close(first);
  close(second);
}

TEST(Listener, LetsNobodyInOnceClosed) {
  TestLoop test;
  Accepting acceptor;
  Listener listener(test.loop(), listen_somewhere(), acceptor);
  ASSERT_TRUE(listener.start().ok());
  const Address address = listener.address();
  listener.close();
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_NE(connect(fd, address.data(), address.length()), 0);
  close(fd);
}

}  // namespace
}  // namespace layotto::net
